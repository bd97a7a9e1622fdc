/* fdsend DEVICE TEXT: sends the context manager one end of a pipe, and TEXT through the pipe. */
#include "stranger.h"

int main(int argc, char **argv)
{
	struct bus b;
	struct binder_transaction_data r;
	struct binder_fd_object o;
	static struct parcel p;
	int fds[2];

	if (argc != 3)
		fail("usage: fdsend DEVICE TEXT");
	b = bus_open(argv[1]);
	if (pipe(fds) < 0)
		die("pipe");
	memset(&o, 0, sizeof o);
	o.hdr.type = BINDER_TYPE_FD;
	o.fd = fds[0];
	parcel_object(&p, &o, sizeof o);
	if (call(&b, 0, 1, &p, NULL, &r) != BR_REPLY)
		fail("the call failed");
	close(fds[0]);
	if (write(fds[1], argv[2], strlen(argv[2])) < 0)
		die("write");
	printf("sent\n");
	return 0;
}
