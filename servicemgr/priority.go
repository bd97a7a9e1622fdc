package servicemgr

// A DumpPriority says when a service is asked to describe itself for a bug report, and picks services
// from a list. They are bits (IServiceManager.aidl).
type DumpPriority int32

// Dump priorities.
const (
	DUMP_FLAG_PRIORITY_CRITICAL DumpPriority = 1 << 0
	DUMP_FLAG_PRIORITY_HIGH     DumpPriority = 1 << 1
	DUMP_FLAG_PRIORITY_NORMAL   DumpPriority = 1 << 2
	DUMP_FLAG_PRIORITY_DEFAULT  DumpPriority = 1 << 3 // as NORMAL; the service is not told a priority
	DUMP_FLAG_PRIORITY_ALL                   = DUMP_FLAG_PRIORITY_CRITICAL | DUMP_FLAG_PRIORITY_HIGH |
		DUMP_FLAG_PRIORITY_NORMAL | DUMP_FLAG_PRIORITY_DEFAULT
	DUMP_FLAG_PROTO DumpPriority = 1 << 4 // it can do so as protobuf
)
