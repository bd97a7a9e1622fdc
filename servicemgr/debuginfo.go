package servicemgr

// DebugInfo is android.os.ServiceDebugInfo: a registered service, for people.
type DebugInfo struct {
	Name string
	PID  int // of the process that registered it, in the server's pid namespace; it may be gone
}
