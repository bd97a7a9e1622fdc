package diag

// Suggest returns the candidate nearest to name, or "" when none is near:
// at most one edit for each three letters, and two swapped letters count as
// one edit. Of equally near ones it returns the first.
func Suggest(name string, candidates []string) string {
	best, least := "", len(name)/3+1
	if len(name) < 3 || len(name) > 100 {
		least = 1
	}
	for _, c := range candidates {
		if c == name || len(c) > len(name)+least || len(name) > len(c)+least {
			continue
		}
		if d := distance(name, c, least); d < least || d == least && best == "" {
			best, least = c, d
		}
	}
	return best
}

// distance counts inserted, deleted, changed and swapped letters, giving up
// above limit. A change of case alone costs nothing but the first.
func distance(a, b string, limit int) int {
	if fold(a) == fold(b) {
		return 0
	}
	prev2, prev, row := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row[0] = i
		low := i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], prev2[j-2]+1)
			}
			low = min(low, row[j])
		}
		if low > limit {
			return limit + 1
		}
		prev2, prev, row = prev, row, prev2
	}
	return prev[len(b)]
}

func fold(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
