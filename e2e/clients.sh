#!/bin/sh
# Installs the real clients of the end-to-end tests on Debian, as root.
# Elsewhere it names those that are missing: the tests run without them. tsdav, ldapjs
# and ldapts come from npm, wherever that is there.
set -eu
packages="curl ldap-utils vdirsyncer khard evolution-data-server gir1.2-ebook-1.2 gir1.2-edataserver-1.2 python3-gi dbus thunderbird openssl syncevolution syncevolution-libs litmus haproxy slapd python3-ldap python3-ldap3 openjdk-17-jdk-headless"
missing=""
for p in $packages; do
	if ! dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q '^install ok installed$'; then
		missing="$missing $p"
	fi
done
command -v npm >/dev/null 2>&1 || missing="$missing nodejs npm" # however it came here
if [ -z "$missing" ]; then
	:
elif [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
	echo "installing the real clients:$missing"
	apt-get update -qq
	# Debian starts a server that it installs; the tests start their own slapd.
	policy=/usr/sbin/policy-rc.d
	if [ ! -e $policy ]; then
		printf '#!/bin/sh\nexit 101\n' >$policy
		chmod +x $policy
		trap 'rm -f /usr/sbin/policy-rc.d' EXIT
	fi
	# shellcheck disable=SC2086 # a list of names
	DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
else
	echo "these clients are missing, their tests will be left out:$missing" >&2
	echo "as root on Debian, make test installs them" >&2
fi

# Those from npm, at the versions of their package-lock.json; no package's scripts are run.
cd "$(dirname "$0")/testdata"
command -v npm >/dev/null 2>&1 || exit 0
for folder in tsdav ldap; do
	(
		cd $folder
		npm ls >/dev/null 2>&1 || npm ci --ignore-scripts --no-audit --no-fund --loglevel=error ||
			echo "the clients of $folder could not be installed, their tests will be left out" >&2
	)
done
