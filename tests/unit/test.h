/* TAP for tests in C: ok(condition, name), and done() at the end of main. */
#ifndef KC_TEST_H
#define KC_TEST_H

#include <stdbool.h>
#include <stdio.h>

static int test_count, test_failed;

#define ok(cond, ...) test_result((cond), __FILE__, __LINE__, __VA_ARGS__)

static inline void __attribute__((format(printf, 4, 5)))
test_result(bool good, const char *file, int line, const char *fmt, ...)
{
	__builtin_va_list ap;

	printf("%sok %d - ", good ? "" : "not ", ++test_count);
	__builtin_va_start(ap, fmt);
	vprintf(fmt, ap);
	__builtin_va_end(ap);
	putchar('\n');
	if (!good) {
		printf("# %s:%d\n", file, line);
		test_failed++;
	}
}

static inline int
done(void)
{
	printf("1..%d\n", test_count);
	return test_failed != 0;
}

#endif
