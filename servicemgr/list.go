package servicemgr

import (
	"maps"
	"slices"
)

// names are the services whose dump priority is one of those, in order (a std::map in AOSP).
func (s *Server) names(priority DumpPriority) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var names []string
	for name, r := range s.services {
		if r.priority&priority != 0 {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// DebugInfo tells all services, in the order of their names.
func (s *Server) DebugInfo() []DebugInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	var infos []DebugInfo
	for _, name := range slices.Sorted(maps.Keys(s.services)) {
		infos = append(infos, DebugInfo{Name: name, PID: s.services[name].caller.PID})
	}
	return infos
}
