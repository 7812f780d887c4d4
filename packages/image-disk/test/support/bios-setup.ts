import { copyFileSync, mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from './tree-images.js';
import { MIB } from './specs.js';

/** The program asks for the device of the directory where its images lie: a filesystem of its own, which is gone with the namespace of its mount. */
const SCRIPT = `set -e
mount -o loop "$1/filesystem" "$1/images"
cp "$1/boot.img" "$1/core.img" "$1/images"
printf '(hd0) %s\\n(hd1) %s\\n' "$2" "$(findmnt -no SOURCE "$1/images")" > "$1/map"
exec /usr/lib/grub/i386-pc/grub-bios-setup --no-rs-codes --skip-fs-probe --directory "$1/images" --device-map "$1/map" '(hd0)'`;

/** Has GRUB's own program put a core image onto a disk image, with GRUB's boot sector. @param directory a new one, for its files. */
export async function biosSetup(disk: string, core: Uint8Array, directory: string): Promise<void> {
  mkdirSync(join(directory, 'images'), { recursive: true });
  copyFileSync('/usr/lib/grub/i386-pc/boot.img', join(directory, 'boot.img'));
  writeFileSync(join(directory, 'core.img'), core);
  writeFileSync(join(directory, 'filesystem'), '');
  truncateSync(join(directory, 'filesystem'), 8 * MIB);
  await run('mkfs.ext4', '-q', join(directory, 'filesystem'));
  await run('unshare', '--mount', '--propagation', 'private', 'sh', '-c', SCRIPT, 'sh', directory, disk);
}
