import { findLocal } from './additional-file.js';
import type { MergedTemplate } from './merge.js';
import type { Path } from './path.js';
import { isRemote } from './repository.js';
import type { Report } from './report.js';

/** Reports each file of this machine that is missing among those which keys name whose content no specification holds. */
export async function checkNamedFiles(merged: MergedTemplate, refuse: Report): Promise<void> {
  const { systemConfig: { fde, initramfs } = {}, baseline: { source } = {}, packageRepositories = [] } = merged.template;
  const files: readonly (readonly [string | undefined, Path])[] = [
    [fde?.enabled === true ? fde.passphraseFile : undefined, ['systemConfig', 'fde', 'passphraseFile']],
    [initramfs?.template, ['systemConfig', 'initramfs', 'template']],
    [source?.path, ['baseline', 'source', 'path']],
    [source?.sbomPath, ['baseline', 'source', 'sbomPath']],
  ];
  for (const [file, at] of files) if (file) await findLocal(file, at, merged, refuse, 'file');
  for (const [index, { path, packages = [] }] of packageRepositories.entries()) {
    const at: Path = ['packageRepositories', index];
    if (path) await findLocal(path, [...at, 'path'], merged, refuse, 'any');
    for (const [number, file] of packages.entries()) {
      if (!isRemote(file)) await findLocal(file, [...at, 'packages', number], merged, refuse, 'file');
    }
  }
}
