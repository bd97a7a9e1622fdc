/*
 * pingpong binder DEVICE COUNT SIZE | pingpong unix COUNT SIZE: two processes on one CPU, one of
 * which asks and one of which answers with as many bytes. Prints the median, the 99th percentile
 * and the worst of a round trip in nanoseconds.
 */
#include "stranger.h"
#include <sys/socket.h>

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000LL + t.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void report(int64_t *took, long count)
{
	qsort(took, count, sizeof *took, by_size);
	printf("%lld %lld %lld\n", (long long)took[count / 2], (long long)took[count * 99 / 100], (long long)took[count - 1]);
}

static void pin(void)
{
	cpu_set_t all, one;
	int i;

	if (sched_getaffinity(0, sizeof all, &all) < 0)
		die("sched_getaffinity");
	CPU_ZERO(&one);
	for (i = 0; i < CPU_SETSIZE; i++)
		if (CPU_ISSET(i, &all)) {
			CPU_SET(i, &one);
			break;
		}
	if (sched_setaffinity(0, sizeof one, &one) < 0)
		die("sched_setaffinity");
}

static void all(int fd, char *b, size_t n, int out)
{
	while (n > 0) {
		ssize_t m = out ? write(fd, b, n) : read(fd, b, n);

		if (m <= 0)
			exit(m < 0);
		b += m;
		n -= m;
	}
}

static char payload[1 << 20];

static void over_unix(long count, size_t size)
{
	int64_t *took = calloc(count, sizeof *took);
	int fds[2];
	long i;

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) < 0)
		die("socketpair");
	if (fork() == 0) {
		close(fds[0]);
		for (;;) {
			all(fds[1], payload, size, 0);
			all(fds[1], payload, size, 1);
		}
	}
	close(fds[1]);
	for (i = -1000; i < count; i++) {
		int64_t start = now();

		all(fds[0], payload, size, 1);
		all(fds[0], payload, size, 0);
		if (i >= 0)
			took[i] = now() - start;
	}
	report(took, count);
	close(fds[0]);
	wait(NULL);
}

/* One message of size bytes, from payload. */
static void message(struct out *o, uint32_t cmd, uint32_t flags, size_t size)
{
	struct binder_transaction_data t;

	memset(&t, 0, sizeof t);
	t.code = 1;
	t.flags = flags;
	t.data_size = size;
	t.data.ptr.buffer = (uintptr_t)payload;
	put32(o, cmd);
	put(o, &t, sizeof t);
}

static void answer_all(const char *device, int ready, size_t size)
{
	struct bus b = bus_open(device);
	struct flat_binder_object me = { 0 };
	struct out o = { 0 };
	uint8_t in[256];

	if (ioctl(b.fd, BINDER_SET_CONTEXT_MGR_EXT, &me) < 0)
		die("BINDER_SET_CONTEXT_MGR_EXT");
	if (write(ready, "r", 1) != 1)
		die("write");
	put32(&o, BC_ENTER_LOOPER);
	for (;;) {
		uint8_t *p = in, *end = in + bus_write_read(&b, o.b, o.n, in, sizeof in);

		o.n = 0;
		while (p < end) {
			uint32_t cmd;
			struct binder_transaction_data t;

			memcpy(&cmd, p, 4);
			if (cmd == BR_TRANSACTION) {
				memcpy(&t, p + 4, sizeof t);
				if (t.flags & TF_ONE_WAY)
					exit(0);
				put_free(&o, t.data.ptr.buffer);
				message(&o, BC_REPLY, 0, size);
			}
			p += 4 + _IOC_SIZE(cmd);
		}
	}
}

static void over_binder(const char *device, long count, size_t size)
{
	int64_t *took = calloc(count, sizeof *took);
	struct out o = { 0 };
	struct bus b;
	uint8_t in[256];
	int ready[2];
	char c;
	long i;

	if (pipe(ready) < 0)
		die("pipe");
	if (fork() == 0)
		answer_all(device, ready[1], size);
	close(ready[1]);
	if (read(ready[0], &c, 1) != 1)
		fail("the server did not start");
	b = bus_open(device);
	for (i = -1000; i < count; i++) {
		int64_t start = now();
		int done = 0;

		message(&o, BC_TRANSACTION, 0, size);
		while (!done) {
			uint8_t *p = in, *end = in + bus_write_read(&b, o.b, o.n, in, sizeof in);

			o.n = 0;
			while (p < end) {
				uint32_t cmd;
				struct binder_transaction_data t;

				memcpy(&cmd, p, 4);
				if (cmd == BR_REPLY) {
					memcpy(&t, p + 4, sizeof t);
					put_free(&o, t.data.ptr.buffer); /* goes with the next call */
					done = 1;
				} else if (cmd == BR_FAILED_REPLY || cmd == BR_DEAD_REPLY) {
					fail("a call failed");
				}
				p += 4 + _IOC_SIZE(cmd);
			}
		}
		if (i >= 0)
			took[i] = now() - start;
	}
	report(took, count);
	message(&o, BC_TRANSACTION, TF_ONE_WAY, 0);
	bus_write_read(&b, o.b, o.n, in, sizeof in);
	wait(NULL);
}

int main(int argc, char **argv)
{
	pin();
	if (argc == 4 && !strcmp(argv[1], "unix"))
		over_unix(atol(argv[2]), atol(argv[3]));
	else if (argc == 5 && !strcmp(argv[1], "binder"))
		over_binder(argv[2], atol(argv[3]), atol(argv[4]));
	else
		fail("usage: pingpong binder DEVICE COUNT SIZE | pingpong unix COUNT SIZE");
	return 0;
}
