package packaging

import (
	"path/filepath"

	"golang.org/x/sys/windows"
)

// configFolder asks Windows and not the environment, which a service may have of another user, or from before somebody moved
// the folder. The constant is where Windows puts it unless somebody did.
func configFolder() string {
	base, err := windows.KnownFolderPath(windows.FOLDERID_ProgramData, windows.KF_FLAG_DEFAULT)
	if err != nil {
		base = `C:\ProgramData`
	}
	return filepath.Join(base, Name)
}

func dataFolder() string { return filepath.Join(configFolder(), "data") }

// systemLanguage is the one of the menus.
func systemLanguage() string {
	all, err := windows.GetUserPreferredUILanguages(windows.MUI_LANGUAGE_NAME)
	if err != nil || len(all) == 0 {
		return ""
	}
	return all[0]
}
