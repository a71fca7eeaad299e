#include "CLinuxHost.h"
#include <stddef.h>

static int argument_count;
static char **arguments;

/* The C library hands them to all that it calls before main. */
__attribute__((constructor)) static void keep_arguments(int count, char **values) {
  argument_count = count;
  arguments = values;
}

int clinux_argument_count(void) { return argument_count; }

const char *clinux_argument(int index) { return arguments[index]; }

/* As it starts, Swift's runtime looks for its crash reporter in the folder of the program, which it knows from /proc/self/exe, and ends the
   program where that is not there, as in a jail. A program that is linked statically has none beside it. The linker puts this in the place
   of the search (scripts/build-release). */
char *__wrap_swift_copyAuxiliaryExecutablePath(const char *folder, const char *name) {
  (void)folder;
  (void)name;
  return NULL;
}
