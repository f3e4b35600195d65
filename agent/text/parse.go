package text

import (
	"fmt"
	"strings"
)

// A sentence is one entry of the file.
type sentence struct {
	key  Key
	line int // of the key
	says map[Lang]string
}

const indent = "    "

// parse reads the format of sentences.txt and returns what it could read, and every
// mistake as "line N: what".
func parse(file string) (all []sentence, mistakes []string) {
	wrong := func(line int, what string) {
		mistakes = append(mistakes, fmt.Sprintf("line %d: %s", line+1, what))
	}
	var lang Lang // the text that an indented line continues; "" for none
	blank := 0    // blank lines since; they count if an indented one follows
	for i, line := range strings.Split(strings.ReplaceAll(file, "\r\n", "\n"), "\n") {
		name, rest, colon := strings.Cut(line, ":")
		switch {
		case strings.TrimSpace(line) == "":
			blank++
		case strings.HasPrefix(line, "#"):
			lang = ""
		case strings.HasPrefix(line, indent) && lang != "":
			says := all[len(all)-1].says
			if says[lang] != "" {
				says[lang] += strings.Repeat("\n", 1+blank)
			}
			says[lang] += strings.TrimPrefix(line, indent)
			blank = 0
		case colon && (Lang(name) == English || Lang(name) == German) && len(all) > 0:
			lang, blank = Lang(name), 0
			if _, twice := all[len(all)-1].says[lang]; twice {
				wrong(i, "a second "+name+" text")
			}
			all[len(all)-1].says[lang] = strings.TrimSpace(rest)
		case strings.TrimLeft(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.") == "":
			all = append(all, sentence{key: Key(line), line: i + 1, says: map[Lang]string{}})
			lang = ""
		default:
			wrong(i, "neither a key, a text nor a comment: "+line)
		}
	}
	return all, mistakes
}
