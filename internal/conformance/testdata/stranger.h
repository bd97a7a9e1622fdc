/*
 * What the C programs of the conformance suite share: a binder client as anybody would write one,
 * over the system's header alone.
 */
#ifndef STRANGER_H
#define STRANGER_H

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/android/binder.h>
#include <sched.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAPSIZE (1024 * 1024)
#define ALIGN8(n) (((n) + 7) & ~(size_t)7)

struct bus {
	int fd;
	void *map;
};

static void die(const char *what)
{
	fprintf(stderr, "%d: %s: %s\n", getpid(), what, strerror(errno));
	exit(1);
}

static void fail(const char *what)
{
	fprintf(stderr, "%d: %s\n", getpid(), what);
	exit(1);
}

static struct bus bus_open(const char *path)
{
	struct bus b;
	struct binder_version v = { 0 };

	b.fd = open(path, O_RDWR | O_CLOEXEC);
	if (b.fd < 0)
		die(path);
	if (ioctl(b.fd, BINDER_VERSION, &v) < 0)
		die("BINDER_VERSION");
	if (v.protocol_version != BINDER_CURRENT_PROTOCOL_VERSION)
		fail("wrong protocol version");
	b.map = mmap(NULL, MAPSIZE, PROT_READ, MAP_PRIVATE | MAP_NORESERVE, b.fd, 0);
	if (b.map == MAP_FAILED)
		die("mmap");
	return b;
}

/* Writes size bytes of commands and reads up to cap bytes; returns how many came. */
static size_t bus_write_read(struct bus *b, const void *w, size_t size, void *r, size_t cap)
{
	struct binder_write_read bwr = { 0 };

	bwr.write_size = size;
	bwr.write_buffer = (uintptr_t)w;
	bwr.read_size = cap;
	bwr.read_buffer = (uintptr_t)r;
	while (ioctl(b->fd, BINDER_WRITE_READ, &bwr) < 0)
		if (errno != EINTR)
			die("BINDER_WRITE_READ");
	return bwr.read_consumed;
}

/* A stream of commands on its way out. */
struct out {
	size_t n;
	uint8_t b[4096];
};

static void put(struct out *o, const void *p, size_t n)
{
	if (o->n + n > sizeof o->b)
		fail("too many commands");
	memcpy(o->b + o->n, p, n);
	o->n += n;
}

static void put32(struct out *o, uint32_t v) { put(o, &v, sizeof v); }

static void put_handle(struct out *o, uint32_t cmd, uint32_t handle)
{
	put32(o, cmd);
	put32(o, handle);
}

static void put_free(struct out *o, binder_uintptr_t buffer)
{
	put32(o, BC_FREE_BUFFER);
	put(o, &buffer, sizeof buffer);
}

static void put_done(struct out *o, uint32_t cmd, const void *ptr_cookie)
{
	put32(o, cmd);
	put(o, ptr_cookie, sizeof(struct binder_ptr_cookie));
}

static void put_death(struct out *o, uint32_t cmd, uint32_t handle, binder_uintptr_t cookie)
{
	struct binder_handle_cookie hc = { .handle = handle, .cookie = cookie };

	put32(o, cmd);
	put(o, &hc, sizeof hc);
}

/* What a message carries: bytes, and the places of objects among them. */
struct parcel {
	size_t n, objects;
	binder_size_t at[16];
	uint8_t b[64 * 1024];
};

static void parcel_put(struct parcel *p, const void *v, size_t n)
{
	memcpy(p->b + p->n, v, n);
	p->n += n;
}

static void parcel_put32(struct parcel *p, uint32_t v) { parcel_put(p, &v, sizeof v); }

static void parcel_object(struct parcel *p, const void *object, size_t n)
{
	p->n = (p->n + 3) & ~(size_t)3;
	p->at[p->objects++] = p->n;
	parcel_put(p, object, n);
}

static void parcel_binder(struct parcel *p, void *ptr, void *cookie)
{
	struct flat_binder_object o = { 0 };

	o.hdr.type = BINDER_TYPE_BINDER;
	o.flags = 0x7f | FLAT_BINDER_FLAG_ACCEPTS_FDS;
	o.binder = (uintptr_t)ptr;
	o.cookie = (uintptr_t)cookie;
	parcel_object(p, &o, sizeof o);
}

static void put_message(struct out *o, uint32_t cmd, uint32_t handle, uint32_t code, uint32_t flags, const struct parcel *p)
{
	struct binder_transaction_data t;

	memset(&t, 0, sizeof t);
	t.target.handle = handle;
	t.code = code;
	t.flags = flags;
	if (p) {
		t.data_size = p->n;
		t.offsets_size = p->objects * sizeof p->at[0];
		t.data.ptr.buffer = (uintptr_t)p->b;
		t.data.ptr.offsets = (uintptr_t)p->at;
	}
	put32(o, cmd);
	put(o, &t, sizeof t);
}

/*
 * Serves one incoming transaction: puts its BC_REPLY, if it has one, and BC_FREE_BUFFER in o.
 * Dead objects are told with t == NULL and their cookie.
 */
typedef void (*handler)(struct bus *b, struct out *o, const struct binder_transaction_data *t, binder_uintptr_t dead);

/*
 * Writes what is in o, then reads and serves until a reply comes (returns BR_REPLY and sets
 * *reply), the call fails (BR_FAILED_REPLY, BR_DEAD_REPLY), or, with oneway, the call is complete.
 * With forever it only returns if the handler ends the process.
 */
static uint32_t serve(struct bus *b, struct out *o, handler h, struct binder_transaction_data *reply, int oneway)
{
	uint8_t in[1024];

	for (;;) {
		size_t n = bus_write_read(b, o->b, o->n, in, sizeof in);
		uint8_t *p = in, *end = in + n;
		uint32_t result = 0;

		o->n = 0;
		while (p < end) {
			uint32_t cmd;
			struct binder_transaction_data t;
			binder_uintptr_t cookie;

			memcpy(&cmd, p, sizeof cmd);
			p += sizeof cmd;
			switch (cmd) {
			case BR_NOOP:
			case BR_SPAWN_LOOPER:
				break;
			case BR_TRANSACTION_COMPLETE:
				if (oneway)
					result = cmd;
				break;
			case BR_INCREFS:
				put_done(o, BC_INCREFS_DONE, p);
				break;
			case BR_ACQUIRE:
				put_done(o, BC_ACQUIRE_DONE, p);
				break;
			case BR_RELEASE:
			case BR_DECREFS:
				break;
			case BR_TRANSACTION:
				memcpy(&t, p, sizeof t);
				if (!h)
					fail("a call for a program that serves nothing");
				h(b, o, &t, 0);
				break;
			case BR_DEAD_BINDER:
				memcpy(&cookie, p, sizeof cookie);
				put32(o, BC_DEAD_BINDER_DONE);
				put(o, &cookie, sizeof cookie);
				if (h)
					h(b, o, NULL, cookie);
				break;
			case BR_CLEAR_DEATH_NOTIFICATION_DONE:
				break;
			case BR_REPLY:
				memcpy(reply, p, sizeof *reply);
				result = cmd;
				break;
			case BR_FAILED_REPLY:
			case BR_DEAD_REPLY:
				result = cmd;
				break;
			default:
				fprintf(stderr, "%d: unexpected return %#x\n", getpid(), cmd);
				exit(1);
			}
			p += _IOC_SIZE(cmd);
		}
		if (result) {
			if (o->n)
				bus_write_read(b, o->b, o->n, NULL, 0);
			o->n = 0;
			return result;
		}
	}
}

/* Calls handle and waits; returns BR_REPLY, BR_FAILED_REPLY or BR_DEAD_REPLY. */
static uint32_t call(struct bus *b, uint32_t handle, uint32_t code, const struct parcel *p, handler h, struct binder_transaction_data *reply)
{
	struct out o = { 0 };

	put_message(&o, BC_TRANSACTION, handle, code, TF_ACCEPT_FDS, p);
	return serve(b, &o, h, reply, 0);
}

static void send_oneway(struct bus *b, uint32_t handle, uint32_t code, const struct parcel *p)
{
	struct out o = { 0 };

	put_message(&o, BC_TRANSACTION, handle, code, TF_ONE_WAY, p);
	if (serve(b, &o, NULL, NULL, 1) != BR_TRANSACTION_COMPLETE)
		fail("a oneway call failed");
}

static void free_buffer(struct bus *b, const struct binder_transaction_data *t)
{
	struct out o = { 0 };

	put_free(&o, t->data.ptr.buffer);
	bus_write_read(b, o.b, o.n, NULL, 0);
}

/* The first object of a received message. */
static const struct flat_binder_object *first_object(const struct binder_transaction_data *t)
{
	const binder_size_t *offsets = (const void *)(uintptr_t)t->data.ptr.offsets;

	if (t->offsets_size < sizeof *offsets)
		fail("no object came");
	return (const void *)(uintptr_t)(t->data.ptr.buffer + offsets[0]);
}

/* The codes of server.c. */
enum {
	ECHO = 1, /* answers what it was sent */
	ADD, /* answers the sum of two words */
	NOTE, /* oneway: counts, and keeps the first word */
	CALL_BACK, /* calls the object it was sent with CALLED, and answers what that answered */
	WATCH, /* counts the death of the object it was sent */
	COUNTS, /* answers notes, the last note, deaths */
	GIVE, /* answers an object that knows ECHO_TWICE */
	QUIT, /* oneway: ends the server */
	CALLED = 100,
	ECHO_TWICE = 200,
};

#endif
