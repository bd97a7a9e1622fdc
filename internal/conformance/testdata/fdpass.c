/*
 * fdpass server|sealed DEVICE: the context manager; sealed: which has sworn to make no sockets. A call's descriptors must hold "sent 0", "sent 1", ...;
 *   it answers what is wrong with them, and as many descriptors of its own, "back 0", ...
 * fdpass client DEVICE: passes descriptors there and back. fdpass one DEVICE: one, and none.
 * fdpass full DEVICE HARD: fills the server's table of descriptors; HARD: it may not be widened.
 * fdpass stress DEVICE SECONDS: passes them under signals, kills and execs.
 *
 * None of it knows how descriptors come; they are numbers in a parcel.
 */
#include "stranger.h"

#include <dirent.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/time.h>

enum { PASS = 1, LIMIT, WOKEN, END, HELD };

#define MANY 16 /* descriptors in one parcel */

static int checked_numbers = 1; /* only this thread opens anything */

static int memory_file(const char *name, int i)
{
	char text[32];
	int fd = memfd_create("fdpass", MFD_CLOEXEC);
	int n = snprintf(text, sizeof text, "%s %d", name, i);

	if (fd < 0 || write(fd, text, n) != n)
		die("memory file");
	return fd;
}

static void parcel_fd(struct parcel *p, int fd)
{
	struct binder_fd_object o;

	memset(&o, 0, sizeof o);
	o.hdr.type = BINDER_TYPE_FD;
	o.fd = fd;
	o.cookie = 0x1234567890;
	parcel_object(p, &o, sizeof o);
}

/* The n lowest numbers that no descriptor has. */
static void free_numbers(int *numbers, int n)
{
	for (int fd = 0, i = 0; i < n; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			numbers[i++] = fd;
}

static int open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d))
		n++;
	closedir(d);
	return n;
}

/* Looks at the n descriptors of a message and closes them. Returns what is wrong, 0 if nothing. */
static uint32_t check_files(const struct binder_transaction_data *t, const char *name, int n, const int *expect)
{
	const binder_size_t *offsets = (const void *)(uintptr_t)t->data.ptr.offsets;
	uint32_t wrong = 0;

	if (t->offsets_size != n * sizeof *offsets)
		return 1;
	for (int i = 0; i < n; i++) {
		const struct binder_fd_object *o = (const void *)(uintptr_t)(t->data.ptr.buffer + offsets[i]);
		char want[32], got[32] = { 0 };

		snprintf(want, sizeof want, "%s %d", name, i);
		if (o->hdr.type != BINDER_TYPE_FD || o->pad_binder >> 32 || o->cookie != 0x1234567890)
			wrong |= 2;
		if (fcntl(o->fd, F_GETFD) != FD_CLOEXEC)
			wrong |= 4;
		if (pread(o->fd, got, sizeof got - 1, 0) < 0 || strcmp(want, got))
			wrong |= 8;
		if (expect && (int)o->fd != expect[i])
			wrong |= 16;
		close(o->fd);
	}
	return wrong;
}

/* Reads the next call; *woken counts how often the ioctl returned with nothing. */
static void next_call(struct bus *b, struct out *o, struct binder_transaction_data *t, int *woken)
{
	uint8_t in[256]; /* as large as libbinder's */

	for (;;) {
		size_t n = bus_write_read(b, o->b, o->n, in, sizeof in);
		int got = 0, empty = 1;

		o->n = 0;
		for (uint8_t *p = in; p < in + n;) {
			uint32_t cmd;

			memcpy(&cmd, p, sizeof cmd);
			p += sizeof cmd;
			if (cmd == BR_TRANSACTION) {
				memcpy(t, p, sizeof *t);
				got = 1;
			}
			if (cmd != BR_NOOP)
				empty = 0;
			p += _IOC_SIZE(cmd);
		}
		*woken += empty;
		if (got)
			return;
	}
}

static void limit_descriptors(int left, int hard)
{
	int numbers[64];
	struct rlimit r;

	free_numbers(numbers, left + 1);
	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		die("getrlimit");
	r.rlim_cur = numbers[left];
	if (hard)
		r.rlim_max = r.rlim_cur;
	if (setrlimit(RLIMIT_NOFILE, &r) < 0)
		die("setrlimit");
}

static void serve_calls(struct bus *b)
{
	struct out o = { 0 };
	int woken = 0, backs[MANY], expect[MANY];

	for (int i = 0; i < MANY; i++)
		backs[i] = memory_file("back", i);
	put32(&o, BC_ENTER_LOOPER);
	for (;;) {
		struct binder_transaction_data t;
		struct parcel answer = { 0 };
		uint32_t args[2] = { 0 };
		int status = 0;

		free_numbers(expect, MANY);
		next_call(b, &o, &t, &woken);
		memcpy(args, (void *)(uintptr_t)t.data.ptr.buffer, t.data_size < sizeof args ? t.data_size : sizeof args);
		switch (t.code) {
		case PASS:
			status = check_files(&t, "sent", args[0], checked_numbers ? expect : NULL);
			parcel_put32(&answer, status);
			for (uint32_t i = 0; i < args[0]; i++)
				parcel_fd(&answer, backs[i]);
			break;
		case LIMIT:
			limit_descriptors(args[0], args[1]);
			parcel_put32(&answer, 0);
			break;
		case WOKEN:
			parcel_put32(&answer, woken);
			break;
		case HELD:
			parcel_put32(&answer, open_descriptors());
			break;
		case END:
			exit(0);
		}
		put_free(&o, t.data.ptr.buffer);
		if (t.flags & TF_ONE_WAY)
			continue;
		put_message(&o, BC_REPLY, 0, 0, 0, &answer);
		bus_write_read(b, o.b, o.n, NULL, 0);
		o.n = 0;
	}
}

/* From here on, socket() is death. */
static void seal(void)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = { sizeof filter / sizeof *filter, filter };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) < 0)
		die("seccomp");
}

static struct bus become_server(const char *device)
{
	struct flat_binder_object manager = { 0 };
	struct bus b = bus_open(device);

	manager.hdr.type = BINDER_TYPE_BINDER;
	manager.flags = 0x7f | FLAT_BINDER_FLAG_ACCEPTS_FDS;
	manager.binder = manager.cookie = 1;
	if (ioctl(b.fd, BINDER_SET_CONTEXT_MGR_EXT, &manager) < 0)
		die("BINDER_SET_CONTEXT_MGR_EXT");
	return b;
}

/* Calls with two words; returns the first word of the answer, or -1 if there is none. */
static int ask(struct bus *b, uint32_t code, uint32_t x, uint32_t y)
{
	struct binder_transaction_data r;
	struct parcel p = { 0 };
	uint32_t v;

	parcel_put32(&p, x);
	parcel_put32(&p, y);
	if (call(b, 0, code, &p, NULL, &r) != BR_REPLY)
		return -1;
	memcpy(&v, (void *)(uintptr_t)r.data.ptr.buffer, sizeof v);
	free_buffer(b, &r);
	return v;
}

/* Passes n descriptors there and back; returns what is wrong, or -1 if the call fails. */
static int pass(struct bus *b, int n, const int *files)
{
	struct binder_transaction_data r;
	struct parcel p = { 0 };
	int expect[MANY];
	uint32_t v;

	parcel_put32(&p, n);
	for (int i = 0; i < n; i++)
		parcel_fd(&p, files[i]);
	free_numbers(expect, n);
	if (call(b, 0, PASS, &p, NULL, &r) != BR_REPLY)
		return -1;
	memcpy(&v, (void *)(uintptr_t)r.data.ptr.buffer, sizeof v);
	v |= check_files(&r, "back", n, checked_numbers ? expect : NULL) << 8;
	free_buffer(b, &r);
	return v;
}

static int files[MANY];

static void make_files(void)
{
	for (int i = 0; i < MANY; i++)
		files[i] = memory_file("sent", i);
}

static int tell(const char *what, int n, int got)
{
	printf("%s %d: %d\n", what, n, got);
	return got;
}

static int client(const char *device)
{
	struct bus b = bus_open(device);
	int before, held;

	make_files();
	/* Holes in the table: the lowest numbers are not in a row. */
	int a = dup(0), c = dup(0);
	close(a);
	before = open_descriptors();
	held = ask(&b, HELD, 0, 0);
	tell("pass", 0, pass(&b, 0, files));
	tell("pass", 1, pass(&b, 1, files));
	tell("pass", 2, pass(&b, 2, files));
	tell("pass", MANY, pass(&b, MANY, files));
	tell("left open here", 0, open_descriptors() - before);
	tell("left open there", 0, ask(&b, HELD, 0, 0) - held);
	close(c);
	ask(&b, END, 0, 0);
	return 0;
}

static int full(const char *device, int hard)
{
	struct bus b = bus_open(device);

	make_files();
	ask(&b, LIMIT, 3, hard);
	tell("room for 3, pass", 2, pass(&b, 2, files));
	if (!hard)
		tell("room for 3, pass", 3, pass(&b, 3, files));
	int woken = ask(&b, WOKEN, 0, 0);
	tell("room for 3, pass", 4, pass(&b, 4, files));
	tell("woken", 0, ask(&b, WOKEN, 0, 0) - woken);
	tell("still, pass", 2, pass(&b, 2, files));
	ask(&b, END, 0, 0);
	return 0;
}

static volatile sig_atomic_t alarms;
static volatile int over;
static void on_alarm(int s) { (void)s; alarms++; }

static void storm(void)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	struct itimerval t = { { 0, 700 }, { 0, 700 } };

	sigaction(SIGALRM, &sa, NULL);
	setitimer(ITIMER_REAL, &t, NULL);
}

static struct bus shared;

static void *pass_for_ever(void *unused)
{
	for (int n = 1;; n = n % 4 + 1)
		pass(&shared, n, files);
	return unused;
}

static void *server_thread(void *unused)
{
	serve_calls(&shared);
	return unused;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* Passes descriptors until the time is up, under a storm of signals. Nothing may fail. */
static void steady(const char *device, double until)
{
	struct bus b = bus_open(device);
	int before = open_descriptors(), passed = 0;

	storm();
	for (int n = 1; now() < until; n = n % 4 + 1, passed++) {
		int wrong = pass(&b, n, files);

		if (wrong) {
			fprintf(stderr, "pass %d, the %dth: %d\n", n, passed, wrong);
			exit(1);
		}
	}
	if (open_descriptors() != before)
		fail("descriptors are left open");
	if (!alarms || !passed)
		fail("nothing happened");
	exit(0);
}

static void reap(pid_t pid, const char *what)
{
	int status;

	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			die("waitpid");
	if (what && (!WIFEXITED(status) || WEXITSTATUS(status))) {
		fprintf(stderr, "%s: status %#x\n", what, status);
		exit(1);
	}
}

static int stress(const char *device, double seconds)
{
	double until = now() + seconds;
	pid_t server, good[2];
	int ready[2], rounds = 0;
	char c;

	make_files();
	if (pipe2(ready, O_CLOEXEC) < 0)
		die("pipe");
	if (!(server = fork())) {
		pthread_t t;

		prctl(PR_SET_PDEATHSIG, SIGKILL);
		checked_numbers = 0;
		shared = become_server(device);
		storm();
		for (int i = 0; i < 3; i++)
			pthread_create(&t, NULL, server_thread, NULL);
		if (write(ready[1], "r", 1) != 1)
			die("write");
		serve_calls(&shared);
	}
	if (read(ready[0], &c, 1) != 1)
		die("read");
	for (int i = 0; i < 2; i++)
		if (!(good[i] = fork())) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			steady(device, until);
		}
	/* And beside them, clients that are killed or exec another program in the middle. */
	srand(1);
	for (; now() < until; rounds++) {
		pid_t k = fork();

		if (!k) {
			pthread_t t;

			prctl(PR_SET_PDEATHSIG, SIGKILL);
			checked_numbers = 0;
			shared = bus_open(device);
			for (int i = 0; i < 3; i++)
				pthread_create(&t, NULL, pass_for_ever, NULL);
			usleep(500 + rand() % 5000);
			if (rounds % 2)
				execl("/proc/self/exe", "fdpass", "nothing", (char *)0);
			for (;;)
				pass(&shared, 2, files);
		}
		usleep(1000 + rand() % 8000);
		if (rounds % 2) {
			double patience = now() + 20;
			int status;

			while (waitpid(k, &status, WNOHANG) == 0) {
				if (now() > patience)
					fail("an exec hangs");
				usleep(500);
			}
			if (!WIFEXITED(status) || WEXITSTATUS(status)) {
				fprintf(stderr, "exec: status %#x\n", status);
				return 1;
			}
		} else {
			kill(k, SIGKILL);
			reap(k, NULL);
		}
	}
	for (int i = 0; i < 2; i++)
		reap(good[i], "a steady client");
	kill(server, SIGKILL);
	reap(server, NULL);
	fprintf(stderr, "%d clients killed or replaced\n", rounds);
	return 0;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	if (!strcmp(mode, "nothing"))
		return 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if ((!strcmp(mode, "server") || !strcmp(mode, "sealed")) && argc == 3) {
		struct bus b = become_server(argv[2]);

		if (!strcmp(mode, "sealed"))
			seal();
		printf("ready\n");
		serve_calls(&b);
	}
	if (!strcmp(mode, "client") && argc == 3)
		return client(argv[2]);
	if (!strcmp(mode, "full") && argc == 4)
		return full(argv[2], atoi(argv[3]));
	if (!strcmp(mode, "stress") && argc == 4)
		return stress(argv[2], atof(argv[3]));
	if (!strcmp(mode, "one") && argc == 3) {
		struct bus b = bus_open(argv[2]);

		make_files();
		tell("pass", 1, pass(&b, 1, files));
		tell("pass", 0, pass(&b, 0, files));
		return 0;
	}
	fail("usage: fdpass server|sealed|client|one|full|stress DEVICE [ARGUMENT]");
	return 1;
}
