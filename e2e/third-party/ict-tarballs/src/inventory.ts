import type { InstalledPackage, Inventory, TreeSession } from '@ict/plugin-api';
import { NOTES, type PackageNote } from './format.js';

export function createInventory(): Inventory {
  return {
    list,
    purl: ({ name, version, arch }, { os, dist }) => `pkg:generic/${os}/${name}@${encodeURIComponent(version)}?arch=${arch}&distro=${dist}`,
  };
}

/** Reads the notes in the tree: what it says itself, not what was asked for. */
async function list(tree: TreeSession): Promise<readonly InstalledPackage[]> {
  const installed: InstalledPackage[] = [];
  for (const { path } of await tree.list(NOTES)) {
    const { name, version, arch, summary, licence } = JSON.parse(new TextDecoder().decode(await tree.read(path))) as PackageNote;
    installed.push({ name, version, arch, summary, licence });
  }
  return installed.sort((a, b) => (a.name < b.name ? -1 : 1));
}
