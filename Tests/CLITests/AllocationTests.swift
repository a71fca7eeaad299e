import TestSupport
import Testing

/// On a release build whose C library can be stood in for: one that is linked dynamically.
@Suite(
    "Heap allocations", .requiresKVM,
    .enabled("SWIFTVMM_RELEASE_BINARY names no release build") { Binary.releasePath != nil })
struct AllocationTests {
    private let scratch: Scratch

    init() throws {
        scratch = try Scratch()
    }

    /// Stands in front of the C library's allocator and writes how often it was asked, when the process ends.
    private static let counter = """
        #define _GNU_SOURCE
        #include <errno.h>
        #include <fcntl.h>
        #include <stdatomic.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <unistd.h>

        void *__libc_malloc(size_t);
        void *__libc_calloc(size_t, size_t);
        void *__libc_realloc(void *, size_t);
        void *__libc_memalign(size_t, size_t);

        static atomic_long count;

        void *malloc(size_t size) { count++; return __libc_malloc(size); }
        void *calloc(size_t n, size_t size) { count++; return __libc_calloc(n, size); }
        void *realloc(void *old, size_t size) { count++; return __libc_realloc(old, size); }
        void *memalign(size_t align, size_t size) { count++; return __libc_memalign(align, size); }
        void *aligned_alloc(size_t align, size_t size) { count++; return __libc_memalign(align, size); }
        int posix_memalign(void **result, size_t align, size_t size) {
          count++;
          *result = __libc_memalign(align, size);
          return *result ? 0 : ENOMEM;
        }

        __attribute__((destructor)) static void write_count(void) {
          char text[32];
          int length = snprintf(text, sizeof text, "%ld", atomic_load(&count));
          int file = open(getenv("ALLOCATION_COUNT"), O_WRONLY | O_CREAT | O_TRUNC, 0600);
          if (write(file, text, length) < 0) _exit(99);
        }
        """

    /// With the toolchain's own compiler, or the system's.
    private static let build = """
        swift=$(command -v swift) && clang=$(dirname "$(realpath "$swift")")/clang
        [ -x "$clang" ] || clang=cc
        exec "$clang" -shared -fPIC -O1 -fno-builtin -o counter.so counter.c
        """

    /// How many allocations a run of this code makes from start to end.
    private func count(_ code: [UInt8], output: Int) async throws -> Int {
        try scratch.write(code, to: "guest.bin")
        try scratch.write([], to: "count")
        let release = try #require(Binary.releasePath)
        let outcome = try await scratch.shell(
            "LD_PRELOAD=\"$PWD/counter.so\" ALLOCATION_COUNT=\"$PWD/count\" exec \"$1\" run guest.bin >output",
            [release])
        #expect(outcome.status == 0, "\(outcome)")
        #expect(outcome.errors == "")
        #expect(try scratch.read("output").count == output)
        return try #require(Int(try scratch.text("count")), "nothing was counted: is \(release) linked statically?")
    }

    @Test(
        "over 20,000 port exits there are as many as over 10,000",
        arguments: [
            ("writes that are kept", TinyGuest.out(0x80, 1), 0),
            (
                "printed bytes, each after a look at the line status",
                TinyGuest.read(0x3FD) + TinyGuest.out(0x3F8, 0x78), 1
            ),
            ("ports without a device", TinyGuest.out(0x1234, 1), 0),
        ])
    func allocatesNothing(name: String, body: [UInt8], printed: Int) async throws {
        try scratch.write(Array(Self.counter.utf8), to: "counter.c")
        let built = try await scratch.shell(Self.build)
        try #require(built.status == 0, "\(built)")
        let few = try await count(TinyGuest.loop(10_000, body) + TinyGuest.halt, output: 10_000 * printed)
        let many = try await count(TinyGuest.loop(20_000, body) + TinyGuest.halt, output: 20_000 * printed)
        #expect(few > 0)  // seen: 1,000
        #expect(many == few, "\(name)")
    }
}
