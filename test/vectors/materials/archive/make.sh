#!/bin/sh
# Makes the small Debian archives that the tests of the pinned root use: `first`, and `later` where one package has moved
# on. Signs both with a key that is made here and thrown away, so every run gives other signatures (and the test's
# expected digests of .debs stay the same). Needs dpkg-dev's tools only where noted: dpkg-deb, gpg, apt-ftparchive.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export SOURCE_DATE_EPOCH=1700000000 GNUPGHOME="$work/gnupg" LC_ALL=C.UTF-8 TZ=UTC
mkdir -m 700 "$GNUPGHOME"
gpg --batch --quiet --faked-system-time 20231114T000000 --passphrase '' --quick-generate-key 'Archive of the tests <tests@example.invalid>' ed25519 sign never
gpg --batch --quiet --export > "$here/keyring.gpg"

package() { # name version architecture extra-control
  dir="$work/tree/$1"
  mkdir -p "$dir/DEBIAN"
  printf 'Package: %s\nVersion: %s\nArchitecture: %s\nMaintainer: Tests <tests@example.invalid>\nPriority: optional\nDescription: for the tests\n%s' "$1" "$2" "$3" "$4" > "$dir/DEBIAN/control"
  # A maintainer script that must never run.
  printf '#!/bin/sh\ntouch /tmp/sallyport-maintainer-script-ran\n' > "$dir/DEBIAN/postinst"
  chmod 755 "$dir/DEBIAN/postinst"
  find "$work/tree/$1" -exec touch -h -d @1700000000 {} +
  dpkg-deb --root-owner-group -Zgzip -z9 --build "$dir" "$5" > /dev/null
}

shell="$work/tree/shell"
mkdir -p "$shell/bin" "$shell/usr/share/man/man1" "$shell/usr/share/doc/shell" "$shell/etc" "$shell/var/lib/shell"
printf '#!/bin/sh\necho shell\n' > "$shell/bin/shell"
chmod 4755 "$shell/bin/shell"
ln -s shell "$shell/bin/rshell"
ln "$shell/bin/shell" "$shell/bin/lshell"
echo manual > "$shell/usr/share/man/man1/shell.1"
echo words > "$shell/usr/share/doc/shell/README"
echo 'setting=1' > "$shell/etc/shell.conf"
echo state > "$shell/var/lib/shell/state"

lib="$work/tree/libshell1"
mkdir -p "$lib/lib/any-linux-gnu"
echo library > "$lib/lib/any-linux-gnu/libshell.so.1.0"
ln -s libshell.so.1.0 "$lib/lib/any-linux-gnu/libshell.so.1"

basics="$work/tree/basics"
mkdir -p "$basics/usr/bin" "$basics/usr/share"
printf '#!/bin/sh\n' > "$basics/usr/bin/basics"
chmod 755 "$basics/usr/bin/basics"

mkdir -p "$work/tree/unrelated/usr/bin"
echo nothing > "$work/tree/unrelated/usr/bin/unrelated"

for state in first later; do
  archive="$here/$state"
  rm -rf "$archive"
  mkdir -p "$archive/pool" "$archive/dists/bookworm/main/binary-amd64"
  version=1.0-1
  [ "$state" = first ] || version=1.0-1+deb12u1
  package shell 2:5.1~rc1-1 amd64 'Depends: libshell1 (>= 1.0) | nosuch, basis
' "$archive/pool/shell.deb"
  package libshell1 "$version" amd64 'Pre-Depends: basics (>= 0.9)
' "$archive/pool/libshell1.deb"
  package basics 1.0 all 'Provides: basis
' "$archive/pool/basics.deb"
  package unrelated 1.0 amd64 '' "$archive/pool/unrelated.deb"
  (
    cd "$archive"
    apt-ftparchive packages pool > dists/bookworm/main/binary-amd64/Packages
    apt-ftparchive -o APT::FTPArchive::Release::Origin=Debian -o APT::FTPArchive::Release::Suite=stable \
      -o APT::FTPArchive::Release::Codename=bookworm -o APT::FTPArchive::Release::Components=main \
      -o APT::FTPArchive::Release::Architectures=amd64 -o APT::FTPArchive::Release::Version=12.0 \
      release dists/bookworm > "$work/Release"
    # A release and a signature from the past, for machines whose clock is behind.
    sed -i 's/^Date: .*/Date: Wed, 15 Nov 2023 00:00:00 UTC/' "$work/Release"
    gpg --batch --quiet --faked-system-time 20231115T000000 --clearsign --output dists/bookworm/InRelease "$work/Release"
  )
done
