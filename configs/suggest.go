package configs

import "strings"

// didYouMean is the hint for a word that nearly is one of words, "" when none is near.
func didYouMean(word string, words []string, show func(string) string) string {
	const tooLong = 40 // no word of ours is that long; keeps the comparison cheap
	if len(word) > tooLong {
		return ""
	}
	best, least := "", 3
	for _, w := range words {
		near := 2
		if len(w) <= 3 {
			near = 1 // two changes make anything of a word of three letters
		}
		if d := distance(strings.ToLower(word), w); d <= near && d < least {
			best, least = w, d
		}
	}
	if best == "" {
		return ""
	}
	return "did you mean " + show(best) + "?"
}

// distance is the Damerau-Levenshtein distance in its restricted form (optimal string alignment):
// how many letters have to be put in, taken out, changed, or swapped with their neighbour.
func distance(a, b string) int {
	before, above := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range above {
		above[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(above[j]+1, row[j-1]+1, above[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, above = above, row
	}
	return above[len(b)]
}
