import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where dnf installs from. */
export interface DnfSource {
  /** Directory that has `repodata`. */
  readonly repository: string;
  readonly keyring: string;
}

/**
 * Installs packages, and all that they require, into a new root with the host's dnf, as the oracle for our own installer. Signatures of
 * packages and repository are checked; nothing of the host's configuration or database is read or changed.
 *
 * @param directory receives dnf's files and the root.
 * @returns the root.
 */
export async function dnfInstall(names: readonly string[], { repository, keyring }: DnfSource, directory: string): Promise<string> {
  const root = join(directory, 'root');
  await mkdir(root, { recursive: true });
  const sections = {
    main: { reposdir: '/nonexistent', plugins: 0, install_weak_deps: 0 },
    test: { name: 'test', baseurl: `file://${repository}`, gpgkey: `file://${keyring}`, gpgcheck: 1, repo_gpgcheck: 1 },
  };
  const text = Object.entries(sections).map(([name, values]) =>
    [`[${name}]`, ...Object.entries(values).map(([key, value]) => `${key}=${value}`), ''].join('\n'),
  );
  const config = join(directory, 'dnf.conf');
  await writeFile(config, text.join('\n'));
  const options = ['--assumeyes', '--quiet', '--config', config, '--installroot', root, '--releasever', '1'];
  await run('dnf', [...options, 'install', ...names], { env: { PATH: process.env['PATH'] ?? '', HOME: '/root', LC_ALL: 'C.UTF-8' } });
  return root;
}
