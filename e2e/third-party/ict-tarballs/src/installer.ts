import type { BuildContext, InstallChange, Installer, TreeSession, VerifiedPackage } from '@ict/plugin-api';
import { notePath, type PackageNote } from './format.js';

/** A package is its files, its note among them: to install it is to unpack it. */
export function createInstaller(): Installer {
  return {
    version: 1,
    apply: (change, tree, _distribution, ctx) => apply(change, tree, ctx),
    unpack: async (packages, tree) => {
      for (const { file } of inOrder(packages)) await tree.extract(file, 'tar');
    },
    clean: async (tree) => {
      if ((await tree.stat('/etc/machine-id')) !== undefined) await tree.write('/etc/machine-id', '', { mode: 0o444 });
    },
  };
}

async function apply({ install, remove }: InstallChange, tree: TreeSession, ctx: BuildContext): Promise<void> {
  for (const { name } of remove) await removePackage(name, tree);
  for (const [done, { name, file }] of inOrder(install).entries()) {
    ctx.emit({ type: 'install.progress', phase: 'unpack', name, done, total: install.length });
    await tree.extract(file, 'tar');
  }
}

/** An order of our own, whatever order the engine gives them in: equal packages give equal trees. */
function inOrder(packages: readonly VerifiedPackage[]): readonly VerifiedPackage[] {
  return packages.toSorted((a, b) => (a.id < b.id ? -1 : 1));
}

async function removePackage(name: string, tree: TreeSession): Promise<void> {
  const note = await tree.read(notePath(name));
  if (note === undefined) return;
  const { files } = JSON.parse(new TextDecoder().decode(note)) as PackageNote;
  for (const path of files) await tree.remove(path);
}
