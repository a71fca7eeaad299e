// Prints the functions of a program in the order in which a run comes to them first. The program is linked for fixed addresses, and its
// symbols come on standard input as `nm -n` prints them: nm -n PROGRAM | order PROGRAM ARGUMENT...
// The run is stepped through: 1.7 million instructions take one or two minutes.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/reg.h>
#include <sys/wait.h>
#include <unistd.h>

enum { limit = 1 << 20 };

static struct symbol {
    unsigned long address;
    char *name;
    int is_printed;
} symbols[limit];
static int count;

static void read_symbols(void) {
    char line[65536], name[65536], kind;
    unsigned long address;
    while (count < limit && fgets(line, sizeof line, stdin))
        if (sscanf(line, "%lx %c %65535s", &address, &kind, name) == 3 && strchr("tTwW", kind))
            symbols[count++] = (struct symbol){address, strdup(name), 0};
}

// With the other names that a function has.
static void print_function(unsigned long address) {
    int low = 0, high = count;
    while (low < high) {
        int middle = (low + high) / 2;
        if (symbols[middle].address <= address) low = middle + 1;
        else high = middle;
    }
    for (int i = low - 1; i >= 0 && symbols[i].address == symbols[low - 1].address && !symbols[i].is_printed; i--) {
        symbols[i].is_printed = 1;
        puts(symbols[i].name);
    }
}

int main(int argc, char **argv) {
    if (argc < 2) return 64;
    read_symbols();
    pid_t child = fork();
    if (child == 0) {
        ptrace(PTRACE_TRACEME, 0, 0, 0);
        // Its output would be among the names.
        dup2(STDERR_FILENO, STDOUT_FILENO);
        execv(argv[1], argv + 1);
        _exit(127);
    }
    int status;
    while (waitpid(child, &status, 0) == child && WIFSTOPPED(status)) {
        int passed = WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status);
        print_function(ptrace(PTRACE_PEEKUSER, child, 8 * RIP, 0));
        ptrace(PTRACE_SINGLESTEP, child, 0, passed);
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
