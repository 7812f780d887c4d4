import type { ImageInput, TreePath, TreeSession } from '@ict/plugin-api';
import { diskError } from './errors.js';
import { IMMUTABILITY_KEY } from './immutability.js';
import { WRITABLE_PLACES, renderWritablePlaces } from './writable-places.js';

/** What has to be in every tree, by the places where it may be. */
const NEEDED: Readonly<Record<string, readonly TreePath[]>> = {
  systemd: ['/usr/lib/systemd/systemd', '/lib/systemd/systemd'],
  mount: ['/usr/bin/mount', '/bin/mount'],
};

type Maker = 'initramfs-tools' | 'dracut';

const TOOLS_DIRECTORY: TreePath = '/usr/share/initramfs-tools';
const TOOLS_FUNCTIONS: TreePath = `${TOOLS_DIRECTORY}/hook-functions`;

/**
 * What shows that a maker is there: packages have hooks for initramfs-tools in its directory where it is not. Where both are, distributions make their
 * initrds with the first.
 */
const MAKERS: readonly (readonly [Maker, TreePath])[] = [
  ['initramfs-tools', TOOLS_FUNCTIONS],
  ['dracut', '/usr/lib/dracut'],
];

/** What a maker of initrds needs beside that. */
const NEEDED_BY: Readonly<Record<Maker, Readonly<Record<string, readonly TreePath[]>>>> = {
  'initramfs-tools': { veritysetup: ['/usr/sbin/veritysetup', '/sbin/veritysetup'] },
  dracut: {
    'systemd-veritysetup': ['/usr/lib/systemd/systemd-veritysetup', '/lib/systemd/systemd-veritysetup'],
    dmsetup: ['/usr/sbin/dmsetup', '/sbin/dmsetup', '/usr/bin/dmsetup'],
  },
};

/** Puts what opens the root into an initrd of initramfs-tools. dmsetup and udev's rules for it get there by a hook of their own. */
const HOOK = `#!/bin/sh
# Puts what opens the verified root into the initrd.
case "\${1:-}" in
  prereqs) exit 0 ;;
esac
. ${TOOLS_FUNCTIONS}
copy_exec "$(command -v veritysetup)" /sbin/veritysetup
manual_add_modules dm_verity sha256 sha256_generic sha256_ssse3 sha256_arm64 sha256_ce
`;

/**
 * Opens the root in an initrd of initramfs-tools, by the words that systemd knows too. It is called for as long as the root is not there: disks may
 * come late.
 *
 * @see initramfs-tools(7), systemd-veritysetup-generator(8)
 */
const OPENER = `#!/bin/sh
# Opens the verified root when the partitions that it consists of are there.
case "\${1:-}" in
  prereqs) exit 0 ;;
esac
[ -e /dev/mapper/root ] && exit 0
root_hash= data= hashes= options=
for word in $(cat /proc/cmdline); do
  case "$word" in
    roothash=*) root_hash=\${word#*=} ;;
    systemd.verity_root_data=PARTUUID=*) data=/dev/disk/by-partuuid/\${word##*=} ;;
    systemd.verity_root_hash=PARTUUID=*) hashes=/dev/disk/by-partuuid/\${word##*=} ;;
    systemd.verity_root_options=*)
      for option in $(echo "\${word#*=}" | tr , ' '); do options="$options --$option"; done
      ;;
  esac
done
if [ -n "$root_hash" ] && [ -b "$data" ] && [ -b "$hashes" ]; then
  modprobe -q dm_verity
  veritysetup open $options "$data" root "$hashes" "$root_hash"
fi
exit 0
`;

/** dracut has a module with systemd's own generator, which it leaves out unless it is asked for it. */
const DRACUT_CONFIGURATION = 'add_dracutmodules+=" systemd-veritysetup "\n';

/**
 * Writes what makes an initrd open the verified root, and the program that makes places writable before systemd starts. A tree without a maker of
 * initrds is refused by the engine, as `initrdModules` cannot be told to any.
 *
 * @throws `ICT_DISK_IMMUTABILITY` when the tree has not the programs for it.
 */
export async function prepareVerifiedRoot({ spec, seed }: Pick<ImageInput, 'spec' | 'seed'>, tree: TreeSession): Promise<void> {
  await requirePrograms(NEEDED, tree);
  await tree.write(WRITABLE_PLACES, renderWritablePlaces(spec, seed), { mode: 0o755 });
  const maker = await makerOf(tree);
  if (maker === undefined) return;
  await requirePrograms(NEEDED_BY[maker], tree);
  if (maker === 'dracut') {
    await tree.write('/etc/dracut.conf.d/60-image-composer-tool-immutability.conf', DRACUT_CONFIGURATION);
  } else {
    await tree.write(`${TOOLS_DIRECTORY}/hooks/ict-verified-root`, HOOK, { mode: 0o755 });
    await tree.write(`${TOOLS_DIRECTORY}/scripts/local-block/ict-verified-root`, OPENER, { mode: 0o755 });
  }
}

async function makerOf(tree: TreeSession): Promise<Maker | undefined> {
  for (const [maker, shownBy] of MAKERS) if ((await tree.stat(shownBy)) !== undefined) return maker;
  return undefined;
}

async function requirePrograms(needed: Readonly<Record<string, readonly TreePath[]>>, tree: TreeSession): Promise<void> {
  for (const [program, places] of Object.entries(needed)) {
    const found = await Promise.all(places.map((place) => tree.stat(place)));
    if (found.every((entry) => entry === undefined)) throw missing(program);
  }
}

function missing(program: string): Error {
  return diskError('ICT_DISK_IMMUTABILITY', {
    message: `the image cannot be immutable: it has no ${program}`,
    hint: `Add the package that brings it to systemConfig.packages, or remove ${IMMUTABILITY_KEY}.`,
    facts: { program },
  });
}
