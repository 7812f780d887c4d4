import { execFileSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';

/** A package to build with rpmbuild. */
export interface RpmSpec {
  readonly name: string;
  readonly version?: string;
  readonly release?: string;
  readonly epoch?: number;
  readonly arch?: 'noarch' | 'x86_64';
  /** Lines of the preamble: `Requires: a`. */
  readonly preamble?: readonly string[];
  /** Content by path. */
  readonly files?: Readonly<Record<string, string>>;
  /** Lines after the file list, such as scriptlets. */
  readonly more?: readonly string[];
}

/** A directory for generated packages and keys, with what makes them. Everything in it is thrown away by `close`. */
export class RpmWorkshop {
  readonly directory = mkdtempSync(join(tmpdir(), 'ict-rpm-'));
  #count = 0;

  close(): void {
    for (const home of this.#homes) execFileSync('gpgconf', ['--homedir', home, '--kill', 'all'], { stdio: 'ignore' });
    rmSync(this.directory, { recursive: true, force: true });
  }

  readonly #homes: string[] = [];

  /** @returns a new key: its GnuPG home and its armoured public half. */
  key(name: string): RpmKey {
    const home = join(this.directory, `gnupg-${name}`);
    mkdirSync(home, { mode: 0o700 });
    this.#homes.push(home);
    const gpg = (...args: string[]): Buffer => execFileSync('gpg', ['--homedir', home, '--batch', '--quiet', ...args], { stdio: 'pipe' });
    gpg(
      '--faked-system-time',
      '20230101T000000!',
      '--pinentry-mode',
      'loopback',
      '--passphrase',
      '',
      '--quick-gen-key',
      name,
      'rsa2048',
      'sign',
      'never',
    );
    const keyring = join(this.directory, `${name}.asc`);
    writeFileSync(keyring, gpg('--armor', '--export', name));
    const fingerprint = /^fpr:+([0-9A-F]{40}):/m.exec(gpg('--with-colons', '--list-keys').toString())![1]!;
    return { name, home, keyring, fingerprint };
  }

  /** @returns the path of the package file. */
  build(spec: RpmSpec): string {
    const { name, version = '1.0', release = '1', epoch, arch = 'noarch', preamble = [], files = {}, more = [] } = spec;
    const work = join(this.directory, `build-${this.#count++}`);
    mkdirSync(join(work, 'files'), { recursive: true });
    const paths = Object.keys(files);
    for (const [index, content] of Object.values(files).entries()) writeFileSync(join(work, 'files', String(index)), content);
    const lines = [
      `Name: ${name}`,
      `Version: ${version}`,
      `Release: ${release}`,
      ...(epoch === undefined ? [] : [`Epoch: ${epoch}`]),
      'Summary: Generated for tests',
      'License: MIT',
      'AutoReqProv: no',
      ...(arch === 'noarch' ? ['BuildArch: noarch'] : []),
      ...preamble,
      '%description',
      'Generated for tests.',
      '%install',
      ...paths.map((path, index) => `install -D -m 644 ${join(work, 'files', String(index))} %{buildroot}${path}`),
      '%files',
      ...paths.map((path) => `%attr(644, root, root) ${path}`),
      ...more,
    ];
    const file = join(work, 'package.spec');
    writeFileSync(file, `${lines.join('\n')}\n`);
    const defines = [
      `_topdir ${work}`,
      `_rpmdir ${work}/rpms`,
      'debug_package %{nil}',
      '_build_id_links none',
      '_binary_payload w3.zstdio',
    ];
    execFileSync('rpmbuild', ['-bb', '--quiet', '--nodeps', ...defines.flatMap((define) => ['--define', define]), file], { stdio: 'pipe' });
    return join(work, 'rpms', arch, `${name}-${version}-${release}.${arch}.rpm`);
  }

  sign(files: readonly string[], key: RpmKey): void {
    const defines = [`_gpg_name ${key.name}`, `_gpg_path ${key.home}`, '__gpg /usr/bin/gpg', '_gpg_digest_algo sha256'];
    const args = ['--addsign', ...defines.flatMap((define) => ['--define', define]), ...files];
    execFileSync('rpmsign', args, { stdio: 'pipe', env: { ...process.env, GNUPGHOME: key.home } });
  }

  /** Makes a repository of copies of package files; signed when there is a key. @returns its directory. */
  repository(name: string, files: readonly string[], key?: RpmKey, options: readonly string[] = []): string {
    const root = join(this.directory, name);
    mkdirSync(join(root, 'Packages'), { recursive: true });
    for (const file of files) copyFileSync(file, join(root, 'Packages', basename(file)));
    execFileSync('createrepo_c', ['--quiet', ...options, root], { stdio: 'pipe' });
    if (key !== undefined) this.signRoot(root, key);
    return root;
  }

  signRoot(root: string, key: RpmKey, options: readonly string[] = []): void {
    const repomd = join(root, 'repodata/repomd.xml');
    rmSync(`${repomd}.asc`, { force: true });
    execFileSync('gpg', ['--homedir', key.home, '--batch', '--quiet', ...options, '--armor', '--detach-sign', repomd], { stdio: 'pipe' });
  }
}

/** A signing key. */
export interface RpmKey {
  readonly name: string;
  readonly home: string;
  /** Path of the armoured public key. */
  readonly keyring: string;
  readonly fingerprint: string;
}
