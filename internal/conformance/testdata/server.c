/* server DEVICE: the context manager of a bus, and a service of many kinds. */
#include "stranger.h"

static char object_ptr, object_cookie;
static uint32_t notes, last_note, deaths;

static void answer(struct out *o, const struct binder_transaction_data *t, const struct parcel *p)
{
	/* Static: the commands point at it until they are written. */
	static struct parcel kept;

	memcpy(&kept, p, sizeof kept);
	put_message(o, BC_REPLY, 0, 0, 0, &kept);
	put_free(o, t->data.ptr.buffer);
}

static void handle(struct bus *b, struct out *o, const struct binder_transaction_data *t, binder_uintptr_t dead)
{
	static struct parcel p;
	const void *data;
	uint32_t words[2] = { 0 };

	if (!t) {
		deaths++;
		put_death(o, BC_CLEAR_DEATH_NOTIFICATION, (uint32_t)dead, dead);
		put_handle(o, BC_RELEASE, (uint32_t)dead);
		return;
	}
	data = (const void *)(uintptr_t)t->data.ptr.buffer;
	memcpy(words, data, t->data_size < sizeof words ? t->data_size : sizeof words);
	memset(&p, 0, offsetof(struct parcel, b));
	if (t->target.ptr == (uintptr_t)&object_ptr) {
		if (t->cookie != (uintptr_t)&object_cookie || t->code != ECHO_TWICE)
			fail("the object was called wrongly");
		parcel_put(&p, data, t->data_size);
		parcel_put(&p, data, t->data_size);
		answer(o, t, &p);
		return;
	}
	switch (t->code) {
	case ECHO:
		parcel_put(&p, data, t->data_size);
		answer(o, t, &p);
		break;
	case ADD:
		parcel_put32(&p, words[0] + words[1]);
		answer(o, t, &p);
		break;
	case NOTE:
		notes++;
		last_note = words[0];
		put_free(o, t->data.ptr.buffer);
		break;
	case CALL_BACK: {
		struct binder_transaction_data r;
		const struct flat_binder_object *obj = first_object(t);

		if (obj->hdr.type != BINDER_TYPE_HANDLE)
			fail("no handle came");
		parcel_put(&p, "ring", 4);
		if (call(b, obj->handle, CALLED, &p, handle, &r) != BR_REPLY)
			fail("the callback failed");
		memset(&p, 0, offsetof(struct parcel, b));
		parcel_put(&p, (const void *)(uintptr_t)r.data.ptr.buffer, r.data_size);
		free_buffer(b, &r);
		answer(o, t, &p);
		break;
	}
	case WATCH: {
		uint32_t h = first_object(t)->handle;

		put_handle(o, BC_ACQUIRE, h);
		put_death(o, BC_REQUEST_DEATH_NOTIFICATION, h, h);
		answer(o, t, &p);
		break;
	}
	case COUNTS:
		parcel_put32(&p, notes);
		parcel_put32(&p, last_note);
		parcel_put32(&p, deaths);
		answer(o, t, &p);
		break;
	case GIVE:
		parcel_binder(&p, &object_ptr, &object_cookie);
		answer(o, t, &p);
		break;
	case QUIT:
		exit(0);
	default:
		fail("unknown code");
	}
}

int main(int argc, char **argv)
{
	struct bus b;
	struct out o = { 0 };
	struct flat_binder_object me = { 0 };

	if (argc != 2)
		fail("usage: server DEVICE");
	b = bus_open(argv[1]);
	me.hdr.type = BINDER_TYPE_BINDER;
	me.flags = 0x7f | FLAT_BINDER_FLAG_ACCEPTS_FDS;
	if (ioctl(b.fd, BINDER_SET_CONTEXT_MGR_EXT, &me) < 0)
		die("BINDER_SET_CONTEXT_MGR_EXT");
	printf("ready\n");
	fflush(stdout);
	put32(&o, BC_ENTER_LOOPER);
	serve(&b, &o, handle, NULL, 0);
	return 1;
}
