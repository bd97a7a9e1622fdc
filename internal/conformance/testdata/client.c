/* client DEVICE: tries everything that server.c offers, and prints a line for each success. */
#include "stranger.h"

static char object_ptr, object_cookie;
static int rung, server_died;

static void handle(struct bus *b, struct out *o, const struct binder_transaction_data *t, binder_uintptr_t dead)
{
	static struct parcel p;

	(void)b;
	if (!t) {
		if (dead != 0x5e)
			fail("a death with a wrong cookie");
		server_died = 1;
		return;
	}
	if (t->target.ptr != (uintptr_t)&object_ptr || t->cookie != (uintptr_t)&object_cookie || t->code != CALLED)
		fail("the callback was called wrongly");
	if (t->data_size != 4 || memcmp((const void *)(uintptr_t)t->data.ptr.buffer, "ring", 4))
		fail("the callback was told something else");
	rung++;
	memset(&p, 0, offsetof(struct parcel, b));
	parcel_put(&p, "rang", 4);
	put_message(o, BC_REPLY, 0, 0, 0, &p);
	put_free(o, t->data.ptr.buffer);
}

static struct parcel p;

static void ask(struct bus *b, uint32_t code, struct binder_transaction_data *r)
{
	if (call(b, 0, code, &p, handle, r) != BR_REPLY)
		fail("a call failed");
	memset(&p, 0, offsetof(struct parcel, b));
}

static void expect(const struct binder_transaction_data *r, const void *want, size_t n, const char *name)
{
	if (r->data_size != n || memcmp((const void *)(uintptr_t)r->data.ptr.buffer, want, n))
		fail(name);
	printf("%s\n", name);
	fflush(stdout);
}

static void counts(struct bus *b, uint32_t c[3])
{
	struct binder_transaction_data r;

	ask(b, COUNTS, &r);
	if (r.data_size != 12)
		fail("counts");
	memcpy(c, (const void *)(uintptr_t)r.data.ptr.buffer, 12);
	free_buffer(b, &r);
}

int main(int argc, char **argv)
{
	struct bus b;
	struct binder_transaction_data r;
	struct out o = { 0 };
	uint32_t sum = 42, c[3], h;
	pid_t child;
	int i, status;
	static char big[50000];

	if (argc != 2)
		fail("usage: client DEVICE");
	b = bus_open(argv[1]);

	parcel_put(&p, "hello", 5);
	ask(&b, ECHO, &r);
	expect(&r, "hello", 5, "echo");
	free_buffer(&b, &r);

	for (i = 0; i < (int)sizeof big; i++)
		big[i] = (char)(i * 31);
	parcel_put(&p, big, sizeof big);
	ask(&b, ECHO, &r);
	expect(&r, big, sizeof big, "big echo");
	free_buffer(&b, &r);

	parcel_put32(&p, 40);
	parcel_put32(&p, 2);
	ask(&b, ADD, &r);
	expect(&r, &sum, 4, "add");
	free_buffer(&b, &r);

	for (i = 1; i <= 100; i++) {
		parcel_put32(&p, i);
		send_oneway(&b, 0, NOTE, &p);
		memset(&p, 0, offsetof(struct parcel, b));
	}
	do /* a call may overtake waiting oneway calls */
		counts(&b, c);
	while (c[0] < 100);
	if (c[0] != 100 || c[1] != 100)
		fail("oneway");
	printf("oneway\n");

	parcel_binder(&p, &object_ptr, &object_cookie);
	ask(&b, CALL_BACK, &r);
	if (rung != 1)
		fail("the callback was not called");
	expect(&r, "rang", 4, "callback");
	free_buffer(&b, &r);

	ask(&b, GIVE, &r);
	h = first_object(&r)->handle;
	put_handle(&o, BC_ACQUIRE, h);
	put_free(&o, r.data.ptr.buffer);
	bus_write_read(&b, o.b, o.n, NULL, 0);
	o.n = 0;
	parcel_put(&p, "ab", 2);
	if (call(&b, h, ECHO_TWICE, &p, handle, &r) != BR_REPLY)
		fail("the given object cannot be called");
	memset(&p, 0, offsetof(struct parcel, b));
	expect(&r, "abab", 4, "object");
	put_free(&o, r.data.ptr.buffer);
	put_handle(&o, BC_RELEASE, h);
	bus_write_read(&b, o.b, o.n, NULL, 0);
	o.n = 0;
	if (call(&b, h, ECHO_TWICE, &p, handle, &r) != BR_FAILED_REPLY)
		fail("a released handle can be called");
	printf("released\n");

	fflush(stdout);
	child = fork();
	if (child == 0) {
		struct bus mine = bus_open(argv[1]);

		parcel_binder(&p, &object_ptr, &object_cookie);
		ask(&mine, WATCH, &r);
		_exit(0);
	}
	if (waitpid(child, &status, 0) != child || status)
		fail("the mortal process failed");
	do
		counts(&b, c);
	while (c[2] == 0);
	printf("death of a client\n");

	put_handle(&o, BC_ACQUIRE, 0);
	put_death(&o, BC_REQUEST_DEATH_NOTIFICATION, 0, 0x5e);
	bus_write_read(&b, o.b, o.n, NULL, 0);
	o.n = 0;
	send_oneway(&b, 0, QUIT, NULL);
	put32(&o, BC_ENTER_LOOPER);
	while (!server_died) {
		uint8_t in[256];
		uint8_t *at = in, *end = in + bus_write_read(&b, o.b, o.n, in, sizeof in);

		o.n = 0;
		while (at < end) {
			uint32_t cmd;

			memcpy(&cmd, at, 4);
			if (cmd == BR_DEAD_BINDER)
				server_died = 1;
			at += 4 + _IOC_SIZE(cmd);
		}
	}
	printf("death of the server\n");
	if (call(&b, 0, ECHO, &p, handle, &r) != BR_DEAD_REPLY)
		fail("a dead server answered");
	printf("dead reply\n");
	return 0;
}
