# The tests that need no kernel are "go test ./..."; .ci/run decides whether a change lands.

.PHONY: test test-kernel oracle

test:
	.ci/run

# Builds, once, the kernel with the real binder driver that test-kernel boots: internal/oracle.
oracle:
	go run ./internal/oracle/boot -build

# Runs the tests that speak to a device on the kernel's own driver, and compares busd with it.
KERNEL_TESTS = ioctl internal/conformance binder servicemgr
BINDER_DIFF_SEEDS ?= 1-2000
ORACLE_TIMEOUT ?= 10m

test-kernel: oracle
	@set -eu; work=$$(mktemp -d); trap 'rm -rf "$$work"' EXIT; \
	go build -o "$$work/boot" ./internal/oracle/boot; \
	mkdir "$$work/strangers"; \
	for c in internal/conformance/testdata/*.c; do \
	  cc -static -O2 -o "$$work/strangers/$$(basename "$$c" .c)" "$$c"; \
	done; \
	for package in $(KERNEL_TESTS); do \
	  echo "== $$package, on the kernel's driver"; \
	  CGO_ENABLED=0 go test -c -o "$$work/package.test" "./$$package"; \
	  "$$work/boot" -timeout $(ORACLE_TIMEOUT) -dir "$$work" -e CONFORMANCE_STRANGERS=/host/strangers "$$work/package.test" -test.short; \
	done; \
	echo "== busd beside the kernel's driver"; \
	CGO_ENABLED=0 go build -o "$$work/replay" ./internal/difftest/replay; \
	DIFFTEST_REPLAY="$$work/replay" BINDER_DIFF_SEEDS=$(BINDER_DIFF_SEEDS) go test -count=1 -run 'TestLive|TestFree' -v ./internal/difftest
