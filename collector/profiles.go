package collector

import (
	"cmp"
	"embed"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed profiles/*.toml
var embeddedProfiles embed.FS

// maxProfileFile is the largest profile that is read, in octets.
const maxProfileFile = 256 << 10

// Profiles are those a collector chooses from. They do not change once they are made
// and are safe for concurrent use.
type Profiles struct {
	list  []*Profile // with what they extend
	print uint64     // of all of them and of what is asked of every device
}

// fingerprint tells profiles from others that would read another reading.
func fingerprint(list []*Profile) uint64 {
	h := fnv.New64a()
	fmt.Fprintf(h, "%+v", usualSpans()) // a hash's Write returns no error
	for _, p := range list {
		fmt.Fprintf(h, "%+v", *p)
	}
	return h.Sum64()
}

// fingerprint is that of no profiles, if there are none.
func (ps *Profiles) fingerprint() uint64 {
	if ps == nil {
		return 0
	}
	return ps.print
}

// named returns the profile with a name, nil if there is none.
func (ps *Profiles) named(name string) *Profile {
	if ps == nil {
		return nil
	}
	i := slices.IndexFunc(ps.list, func(p *Profile) bool { return p.Name == name })
	if i < 0 {
		return nil
	}
	return ps.list[i]
}

// EmbeddedProfiles returns the profiles the program comes with.
func EmbeddedProfiles() (*Profiles, error) { return gather(embeddedProfiles, nil) }

// LoadProfiles returns the profiles the program comes with, and those of the .toml
// files given and in the folders given. One with the name of another replaces it. A
// folder that does not exist has none. The error is ProfileProblems, or of the file
// system.
func LoadProfiles(paths ...string) (*Profiles, error) { return gather(embeddedProfiles, paths) }

func gather(embedded fs.FS, paths []string) (*Profiles, error) {
	var all []*Profile
	var problems ProfileProblems
	add := func(file string, data []byte) {
		p, found := parseProfile(file, data)
		problems = append(problems, found...)
		if p == nil {
			return
		}
		all = slices.DeleteFunc(all, func(other *Profile) bool { return other.Name == p.Name })
		all = append(all, p)
	}
	names, err := fs.Glob(embedded, "profiles/*.toml")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		data, err := fs.ReadFile(embedded, name)
		if err != nil {
			return nil, err
		}
		add(name, data)
	}
	files, err := profileFiles(paths)
	if err != nil {
		return nil, err
	}
	for _, name := range files {
		data, err := readProfileFile(name)
		if err != nil {
			return nil, err
		}
		add(name, data)
	}
	list, found := extended(all)
	if problems = append(problems, found...); len(problems) > 0 {
		return nil, problems
	}
	return &Profiles{list: list, print: fingerprint(list)}, nil
}

// profileFiles lists the files among the paths and those in the folders among them.
func profileFiles(paths []string) ([]string, error) {
	var files []string
	for _, p := range paths {
		info, err := os.Stat(p)
		switch {
		case os.IsNotExist(err) && filepath.Ext(p) != ".toml":
			continue
		case err != nil:
			return nil, fmt.Errorf("profile: %w", err)
		case !info.IsDir():
			files = append(files, p)
			continue
		}
		inside, err := filepath.Glob(filepath.Join(p, "*.toml"))
		if err != nil {
			return nil, fmt.Errorf("profiles in %s: %w", p, err)
		}
		files = append(files, inside...)
	}
	return files, nil
}

func readProfileFile(name string) ([]byte, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	if info.Size() > maxProfileFile {
		return nil, fmt.Errorf("profile %s: it has more than %d KiB", name, maxProfileFile>>10)
	}
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("profile: %w", err)
	}
	return data, nil
}

// extended gives every profile what it extends.
func extended(all []*Profile) ([]*Profile, ProfileProblems) {
	var list []*Profile
	var problems ProfileProblems
	for _, p := range all {
		whole := *p
		for parent, depth := p.Extends, 0; parent != ""; depth++ {
			i := slices.IndexFunc(all, func(other *Profile) bool { return other.Name == parent })
			if i < 0 || depth > len(all) {
				problems = append(problems, ProfileProblem{File: p.Name, Key: "extends", Text: fmt.Sprintf("there is no profile %q to extend, or it extends this one", parent)})
				break
			}
			whole.inherit(all[i])
			parent = all[i].Extends
		}
		list = append(list, &whole)
	}
	slices.SortFunc(list, func(a, b *Profile) int { return cmp.Compare(a.Name, b.Name) })
	return list, problems
}

// inherit adds what the parent has and p has not. A counter of p replaces that of
// the same object, a table that of the same values.
func (p *Profile) inherit(parent *Profile) {
	p.Meters, p.Tables, p.Sums = slices.Clone(p.Meters), slices.Clone(p.Tables), slices.Clone(p.Sums)
	for _, m := range parent.Meters {
		if !slices.ContainsFunc(p.Meters, func(own Counter) bool { return own.OID == m.OID && own.Entry == m.Entry }) {
			p.Meters = append(p.Meters, m)
		}
	}
	for _, t := range parent.Tables {
		if !slices.ContainsFunc(p.Tables, func(own Table) bool { return own.Value == t.Value }) {
			p.Tables = append(p.Tables, t)
		}
	}
	for _, s := range parent.Sums {
		if !slices.ContainsFunc(p.Sums, func(own Sum) bool { return own.Name == s.Name }) {
			p.Sums = append(p.Sums, s)
		}
	}
	p.Supplies = slices.Concat(p.Supplies, parent.Supplies)
	p.Device.Serial = slices.Concat(p.Device.Serial, parent.Device.Serial)
	p.Device.Model = slices.Concat(p.Device.Model, parent.Device.Model)
	p.Device.Firmware = slices.Concat(p.Device.Firmware, parent.Device.Firmware)
	if p.SNMP == (Manners{}) {
		p.SNMP = parent.SNMP
	}
	if p.Billed == (Billed{}) {
		p.Billed = parent.Billed
	}
}

// evidence is what a profile is chosen by.
type evidence struct {
	sysObjectIDs []string // its own; and if that is no maker's of ours, the branches of makers in which it has something
	descriptions []string
	model        string
}

// evidence is what was read of it so far.
func (h harvest) evidence() evidence {
	var e evidence
	id := identity{
		sysObjectID: h.first(sysObjectID).text,
		sysDescr:    plainText(h.first(sysDescr).text, 0),
		hrDescr:     plainText(h.first(hrDeviceDescr).text, 0),
		name:        plainText(h.first(prtGeneralPrinterName).text, 0),
	}
	e.descriptions, e.model = []string{id.sysDescr, id.hrDescr}, id.model()
	if id.sysObjectID != "" {
		e.sysObjectIDs = []string{id.sysObjectID}
	}
	if _, ok := imaging(id.sysObjectID); ok {
		return e
	}
	var branches []string
	for branch := range makers() {
		if h.first(enterprises+"."+branch).kind != nothing {
			branches = append(branches, enterprises+"."+branch)
		}
	}
	if len(branches) > 1 && branches[0] == pmlBranch { // which many makers answer
		branches = branches[1:]
	}
	e.sysObjectIDs = append(e.sysObjectIDs, branches...)
	return e
}

// pmlBranch is where HP's devices, and others that imitate them, tell of themselves.
const pmlBranch = enterprises + ".11.2.3.9"

// choose returns the profile that fits best, nil if none fits. Of profiles that fit
// equally well the first by name is taken; a test sees to it that there are none.
func (ps *Profiles) choose(e evidence) *Profile {
	var best *Profile
	most := 0
	if ps == nil {
		return nil
	}
	for _, p := range ps.list {
		if n := p.fit(e); n > most {
			best, most = p, n
		}
	}
	return best
}

// fit says how well a profile fits a device; 0 if it does not.
func (p *Profile) fit(e evidence) int {
	best := 0
	for _, m := range p.Match {
		best = max(best, m.fit(e))
	}
	return best
}

func (m Match) fit(e evidence) int {
	const condition = 10000 // more than a text is long
	n := 0
	if m.SysObjectID != "" {
		if !slices.ContainsFunc(e.sysObjectIDs, func(oid string) bool { return oid == m.SysObjectID || under(m.SysObjectID, oid) }) {
			return 0
		}
		n += condition + len(m.SysObjectID)
	}
	if m.Model != "" {
		if !alike(m.Model, e.model) {
			return 0
		}
		n += condition + len(m.Model)
	}
	if m.Description != "" {
		if !slices.ContainsFunc(e.descriptions, func(text string) bool { return alike(m.Description, text) }) {
			return 0
		}
		n += condition + len(m.Description)
	}
	return n
}

// alike says whether text is as the pattern has it, in which * stands for any text.
func alike(pattern, text string) bool {
	parts := strings.Split(strings.ToLower(pattern), "*")
	text = strings.ToLower(text)
	if len(parts) == 1 {
		return parts[0] == text
	}
	text, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		if _, text, ok = strings.Cut(text, part); !ok {
			return false
		}
	}
	return strings.HasSuffix(text, parts[len(parts)-1])
}

// All returns the profiles, sorted by name, with what they extend. They must not be
// changed.
func (ps *Profiles) All() []*Profile { return ps.list }
