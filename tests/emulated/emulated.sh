#!/usr/bin/env bash
# Runs the build of ./run test on an emulated processor with AVX-512 (Bochs 2.7's Skylake-X), which this machine may
# lack. By hand, as root, on Debian 12: tests/emulated/emulated.sh
# A Linux with only BusyBox, the programs and the built-in model boots from a CD; its serial port is printed.
set -euo pipefail

root=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")
build=$root/build
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
image=$folder/image disc=$folder/disc

programs=("$build/stratoscope" "$build/tests/ops/test_ops" "$build/tests/model/test_model")
for program in "${programs[@]}"; do
  [[ -x $program ]] || { echo "emulated: there is no $program: ./run test builds it" >&2; exit 1; }
done
apt-get -qq install -y --no-install-recommends bochs bochsbios vgabios grub-pc-bin grub-common xorriso mtools \
  busybox-static cpio >/dev/null

# The smallest of Debian's kernels.
kernel=$(apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[^ ]*\)$/\1/p' | head -n 1)
(cd "$folder" && apt-get -qq download "$kernel" 2>/dev/null && dpkg -x "$kernel"_*.deb kernel)

# put FILE …: at the place that it has here.
put() {
  local file
  for file in "$@"; do
    mkdir -p "$image$(dirname "$file")"
    cp -rL "$file" "$image$file"
  done
}
mkdir -p "$image"/{bin,proc,sys,dev,tmp} "$disc/boot/grub"
mapfile -t needed < <(ldd "${programs[@]}" | grep -oE '/[^ :]+' | sort -u)  # the programs' own names, too
put "${needed[@]}" "$root/models" "$root/tests/golden"
ln -s ../models "$image$build/models"
cp /bin/busybox "$image/bin/"
for name in grep mount poweroff sh sleep tail; do ln -s busybox "$image/bin/$name"; done
cat >"$image/init" <<END
#!/bin/sh
mount -t proc proc /proc; mount -t sysfs sys /sys; mount -t devtmpfs dev /dev 2>/dev/null; mount -t tmpfs tmp /tmp
export GTEST_COLOR=no HOME=/tmp
check() { echo; echo "== \$*"; "\$@" >/tmp/out 2>&1; echo "status \$?"; tail -n 12 /tmp/out; }
echo "== booted"
$build/stratoscope info --json | grep isa
check $build/stratoscope verify "As Gregor Samsa awoke one morning"
check $build/tests/model/test_model --gtest_filter='Texts*:Parts.StoppedRuns*'
check $build/tests/ops/test_ops --gtest_filter=-Matmul.ARowHasTheSameBits*  # that one takes too long here
sleep 3; echo "== done"; sleep 3; poweroff -f
END
chmod +x "$image/init"
cp "$folder"/kernel/boot/vmlinuz-* "$disc/boot/vmlinuz"
(cd "$image" && find . | cpio --quiet -o -H newc | gzip -1) >"$disc/boot/initrd.gz"
# Without these, Linux and Bochs disagree on the size of the registers' state, and there would be no AVX at all.
cat >"$disc/boot/grub/grub.cfg" <<'END'
set timeout=0
menuentry linux {
  linux /boot/vmlinuz console=ttyS0 quiet mitigations=off nowatchdog clearcpuid=xsaves,xsavec,pku,mpx nopku apparmor=0
  initrd /boot/initrd.gz
}
END
grub-mkrescue -o "$folder/cd.iso" "$disc" >/dev/null 2>&1

cat >"$folder/bochsrc" <<END
plugin_ctrl: unmapped=1, speaker=0
cpu: model=corei7_skylake_x, count=1, ips=80000000, ignore_bad_msrs=1
memory: guest=2048, host=1024
romimage: file=/usr/share/bochs/BIOS-bochs-latest
vgaromimage: file=/usr/share/vgabios/vgabios.bin
ata0: enabled=1, ioaddr1=0x1f0, ioaddr2=0x3f0, irq=14
ata0-master: type=cdrom, path=$folder/cd.iso, status=inserted
boot: cdrom
com1: enabled=1, mode=file, dev=$folder/serial
log: $folder/log
clock: sync=none
display_library: rfb, options="timeout=0"
END
echo c >"$folder/continue"  # Debian's Bochs starts in its debugger
bochs -q -f "$folder/bochsrc" -rc "$folder/continue" </dev/zero >"$folder/messages" 2>&1 || true  # it ends with 1 always

printed=$(sed -n '/^== booted/,$p' "$folder/serial" | tr -d '\r')
echo "$printed"
[[ $printed == *"== done"* ]] || { echo "emulated: the machine did not come to its end" >&2; exit 1; }
! grep -qE '^status [^0]' <<<"$printed" || { echo "emulated: something failed" >&2; exit 1; }
