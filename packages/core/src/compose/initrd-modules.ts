import type { TreeSession } from '@ict/plugin-api';
import { coreError } from '../errors.js';

/** Makers of initrds, by the directory that shows that they are there, and how each is told of modules. */
const MAKERS: readonly { readonly shownBy: string; readonly file: string; readonly text: (modules: readonly string[]) => string }[] = [
  {
    shownBy: '/usr/share/initramfs-tools',
    file: '/usr/share/initramfs-tools/modules.d/image-composer-tool.conf',
    text: (modules) => `${modules.join('\n')}\n`,
  },
  {
    shownBy: '/usr/lib/dracut',
    file: '/etc/dracut.conf.d/60-image-composer-tool.conf',
    text: (modules) => `add_drivers+=" ${modules.join(' ')} "\n`,
  },
];

/**
 * Tells every maker of initrds in the tree to put these kernel modules in.
 *
 * @throws `ICT_INITRD_MODULES` when there is none that this knows how to tell
 */
export async function addInitrdModules(modules: readonly string[], tree: TreeSession): Promise<void> {
  let told = 0;
  for (const { shownBy, file, text } of MAKERS) {
    if ((await tree.stat(shownBy)) === undefined) continue;
    await tree.write(file, text(modules));
    told++;
  }
  if (told > 0) return;
  throw coreError('ICT_INITRD_MODULES', {
    message: `the image has neither initramfs-tools nor dracut, which could put the modules ${modules.join(', ')} into its initrd`,
    hint: 'Add one of them to systemConfig.packages, or leave out what needs them: systemConfig.kernel.enableExtraModules, systemConfig.immutability, or an erofs, squashfs, btrfs or xfs at / or /usr.',
    facts: { modules },
  });
}
