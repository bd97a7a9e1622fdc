#!/bin/sh
# build.sh DIR CONFIG: builds DIR/linux, a User Mode Linux kernel with the binder driver, from the
# kernel source that Debian packages. A few minutes, once; needs root where packages are missing.
set -eu
dir=$1 config=$2 version=${ORACLE_KERNEL:-6.12}
tarball=/usr/src/linux-source-$version.tar.xz

missing=
for package in "linux-source-$version" bc bison flex gcc libelf-dev libssl-dev make xz-utils; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' || missing="$missing $package"
done
if [ -n "$missing" ]; then
  [ "$(id -u)" = 0 ] || { echo "oracle: install these packages first:$missing" >&2; exit 1; }
  apt-get update -qq
  # shellcheck disable=SC2086
  DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null
fi

mkdir -p "$dir"
work=$(mktemp -d "$dir/build.XXXXXX")
trap 'rm -rf "$work"' EXIT
mkdir "$work/source" "$work/out"
tar -C "$work/source" --strip-components=1 -xf "$tarball"
kmake() { make -s -C "$work/source" ARCH=um O="$work/out" "$@"; }
{
  kmake defconfig
  cat "$config" >>"$work/out/.config"
  kmake olddefconfig
  grep -q '^CONFIG_ANDROID_BINDERFS=y' "$work/out/.config" || { echo "this kernel's configuration has no binderfs"; exit 1; }
  kmake -j"$(nproc)" linux
} >"$dir/build.log" 2>&1 || { tail -n 30 "$dir/build.log" >&2; exit 1; }
strip -o "$dir/linux.new" "$work/out/linux"
mv "$dir/linux.new" "$dir/linux"
