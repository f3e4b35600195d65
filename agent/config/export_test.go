package config

// Known are the names of all settings and sections.
func Known() []string { return known() }
