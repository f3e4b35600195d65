#!/bin/bash
# at most 420 s
# The program on Windows, as far as Wine 8 is Windows: by hand, as a service, and from the MSI. What Wine cannot show:
#
#   the program as it ships     it needs a Windows that Wine is not; windows.sh says which lines of Go's library differ
#   restarts after a failure,   Wine keeps neither the recovery actions nor the delayed start; what is asked of Windows is
#   the delayed start           tested in packaging/host_windows_test.go, which also runs here
#   least rights, folder rights Wine has one user, who may do everything; the rights asked for are tested in packaging
#   shutdown                    Wine sends none; the handler's answer is tested in packaging
#   the Event Viewer            Wine takes entries and shows none
#   the Installation dialog     only silent installations run here
. "$(dirname "$0")/lib.sh"
. .ci/e2e/windows.sh
need ip jq curl wixl msibuild faketime perl

wine_program 1.0.0
wine_program 1.0.1
make --no-print-directory build >/dev/null
new_windows
cp meteragent "$scratch/peer"
peers "$scratch/peer"
program='C:\Program Files\meteragent\meteragent.exe'
config=$drive/ProgramData/meteragent/meteragent.toml
log=$drive/ProgramData/meteragent/data/meteragent.log
agent() { windows "$program" "$@"; }
state() { [ "$(agent service status)" = "$1" ]; }

echo "  the service's handler and rights"
check "their tests pass" windows "$(winepath_of "$wine_tests")" -test.timeout=60s
mkdir -p "$drive/Program Files/meteragent"
cp out/wine/1.0.0/meteragent.exe "$drive/Program Files/meteragent/"

echo "  by hand"
check "it knows its version" ends 0 "meteragent 1.0.0" agent version
check "it reads a copier" ends 0 SIM00001 agent read --port "${copiers#*:}" 127.0.0.1
check "a missing configuration is said" ends 2 "check --example" agent check
check "and not installed" ends 2 "check --example" agent service install
cp "$explorer" "$drive/"
check "a double click says what to do" ends 0 install.cmd windows 'C:\explorer.exe' "$program"

echo "  as a service"
check "nothing is installed yet" ends 3 "" agent service status
check "a bad customer number is named" ends 2 portal.url agent service install --customer 1 --portal nonsense --network 127.0.0.1
printf 'secret\n' >"$drive/token.txt"
check "it is installed, configured and started at once" agent service install --now --customer 1234567 \
	--portal "http://$portal/events" --network 127.0.0.1-127.0.0.3 --token-file 'C:\token.txt'
check "its token is beside the configuration" grep -q secret "$drive/ProgramData/meteragent/portal.token"
sed -i 's/^#port = .*/port = 1161/; s/^#listen = .*/listen = ""/' "$config"
check "again, which leaves the file alone" ends 0 "stays as it is" agent service install --customer 9 --portal http://x/
check "it restarts" agent service restart
check "it runs" state running
wait_for 60 "it delivers" more_than 0
check "its log is in its folder, with Windows' line ends" grep -q $'\r$' "$log"
check "starting again leaves it alone" agent service start
check "it stops" agent service stop
check "again" agent service stop
check "it is stopped" state stopped
check "its database is whole" ends 0 SIM00001 agent status
check "the event source is registered" windows reg query 'HKLM\System\CurrentControlSet\Services\EventLog\Application\meteragent'
check "its account is its own" ends 0 'NT SERVICE\meteragent' windows reg query 'HKLM\System\CurrentControlSet\Services\meteragent'
agent service start >/dev/null
switch_off
switch_on
wait_for 60 "it starts with the machine" state running
check "it can be removed while it runs" agent service uninstall
check "again" agent service uninstall
check "it is gone" ends 3 "" agent service status
check "the configuration stays" test -s "$config"
check "unless asked" agent service uninstall --purge
check "nothing stays" test ! -e "$drive/ProgramData/meteragent"
rm -r "$drive/Program Files/meteragent"

echo "  by MSI"
mkdir "$scratch/texts"
cp packaging/windows/README.txt agent/config/default.toml LICENSE "$scratch/texts/"
mv "$scratch/texts/default.toml" "$scratch/texts/meteragent.toml"
mv "$scratch/texts/LICENSE" "$scratch/texts/copyright.txt"
for version in 1.0.0 1.0.1; do
	packaging/windows/msi.sh "out/wine/$version/meteragent.exe" "$version" "$scratch/texts" "$drive/$version.msi" >/dev/null
done
msi() { windows msiexec "$@" /qn; }
before=$(arrived .counts.received)
check "it is installed silently, configured and started" msi /i 'C:\1.0.0.msi' CUSTOMER=1234567 \
	"PORTAL=http://$portal/events" NETWORK=127.0.0.1-127.0.0.3 'TOKENFILE=C:\token.txt' \
	ENROLL=https://127.0.0.1:9 'CODEFILE=C:\token.txt' # where nobody answers: the service runs all the same
check "where to enrol is in the configuration" grep -qx 'enroll = "https://127.0.0.1:9"'$'\r*' "$config"
check "it runs" state running
check "the token is beside the configuration" grep -q secret "$drive/ProgramData/meteragent/portal.token"
sed -i 's/^#port = .*/port = 1161/; s/^#listen = .*/listen = ""/' "$config"
agent service restart >/dev/null
wait_for 60 "it delivers" more_than "$((before + 2))"
check "it is upgraded in place while it runs" msi /i 'C:\1.0.1.msi'
check "it is the new one" ends 0 "meteragent 1.0.1" agent version
check "it runs" state running
check "the configuration stays" grep -q 1234567 "$config"
check "an older one is refused" refuses msi /i 'C:\1.0.0.msi'
check "it still runs" state running
check "it is removed" msi /x 'C:\1.0.1.msi'
check "the service has gone" refuses windows reg query 'HKLM\System\CurrentControlSet\Services\meteragent'
check "the program has gone" test ! -e "$drive/Program Files/meteragent/meteragent.exe"
check "configuration and data stay" test -s "$config" -a -s "$log"
check "it is installed again, and goes on" msi /i 'C:\1.0.1.msi'
check "it runs" state running
check "it is removed with everything" msi /x 'C:\1.0.1.msi' PURGE=1
check "nothing stays" test ! -e "$drive/ProgramData/meteragent"
check "no reading was lost on the way" arrived '.holes == []'
switch_off
