#!/bin/sh
# Looks for libraries that their makers have withdrawn or given up, and for known weaknesses in what the program calls. The first
# needs the module proxy, the second the database at vuln.go.dev, or a copy of it that GOVULNDB names (file:///folder). Ends with
# 0 if there are none, 1 if there are, and 4 if one of them could not be looked at, which it says.
set -eu
cd "$(dirname "$0")/.."
database=${GOVULNDB:-https://vuln.go.dev}
bad=0 unseen=0

libraries=$(go list -deps -f '{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}' . | sort -u)
# shellcheck disable=SC2086 # one word each
if said=$(go list -m -u -f '{{if or .Retracted .Deprecated}}{{.Path}} {{.Version}}: {{.Retracted}} {{.Deprecated}}{{end}}' $libraries); then
	echo "withdrawn or given up, of $(echo "$libraries" | wc -l) libraries: ${said:-none}"
	[ -z "$said" ] || bad=1
else
	echo "withdrawn libraries: NOT checked: no module proxy" >&2
	unseen=1
fi
if curl -fsS --max-time 20 -o /dev/null "$database/index/db.json"; then
	go run golang.org/x/vuln/cmd/govulncheck@v1.9.0 -db "$database" ./... || bad=1
else
	echo "known weaknesses: NOT checked: $database cannot be reached" >&2
	unseen=1
fi
[ "$bad" -eq 0 ] || exit 1
[ "$unseen" -eq 0 ] || exit 4
