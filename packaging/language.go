package packaging

import "os"

// Language is the language that the machine speaks to its user, such as "de_AT.UTF-8" or "de-AT"; "" if it does not say.
func Language() string {
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if value := os.Getenv(name); value != "" {
			return value
		}
	}
	return systemLanguage()
}
