/* replay: run a fuzz target once over every file named on the command line, without libFuzzer. */
#include "base/file.h"

#include <stdio.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct buffer input = {0};
        struct error err;
        if (file_read(argv[i], (size_t)64 << 20, &input, &err)) {
            fprintf(stderr, "%s\n", err.text);
            return 1;
        }
        LLVMFuzzerTestOneInput((const uint8_t *)buffer_view(&input).data, input.bytes);
        buffer_fini(&input);
    }
    printf("%d inputs\n", argc - 1);
    return argc > 1 ? 0 : 1;
}
