/* zlib (Debian's zlib1g-dev), which unpacks images. */
#include <zlib.h>
