/* Makes every fsync and fdatasync of a program take 20 ms longer, as on a slow disk. Loaded with LD_PRELOAD. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

static void pause_20_ms(void) {
    struct timespec pause = {.tv_sec = 0, .tv_nsec = 20 * 1000 * 1000};
    nanosleep(&pause, 0);
}

int fsync(int file) {
    pause_20_ms();
    return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(file);
}

int fdatasync(int file) {
    pause_20_ms();
    return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(file);
}
