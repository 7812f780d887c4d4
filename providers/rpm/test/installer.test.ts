import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RpmWorkshop } from '@ict/fixtures';
import type { DistributionDefinition, VerifiedPackage } from '@ict/plugin-api';
import { fakeContext, memoryTree } from '@ict/plugin-testkit';
import { createInstaller } from '../src/install/installer.js';

const verified = (name: string, requires: readonly string[] = [], file = ''): VerifiedPackage =>
  ({
    name,
    version: '1.0-1',
    arch: 'noarch',
    id: `${name}:noarch`,
    requires: requires.map((each) => `${each}:noarch`),
    file,
  }) as unknown as VerifiedPackage;

describe('an installation', () => {
  const workshop = new RpmWorkshop();
  let packages: readonly VerifiedPackage[];
  beforeAll(() => {
    const build = (name: string, path: string) => workshop.build({ name, files: { [path]: name } });
    packages = [
      verified('filesystem', [], build('filesystem', '/etc/base')),
      verified(
        'rpm',
        ['filesystem'],
        workshop.build({
          name: 'rpm',
          files: { '/usr/bin/rpm': 'rpm', '/usr/share/doc/rpm/README': 'read', '/usr/share/locale/de/rpm.mo': 'lies' },
        }),
      ),
      verified('extra', [], build('extra', '/usr/share/extra')),
    ];
  });
  afterAll(() => workshop.close());

  const distribution = (quirks: DistributionDefinition['quirks']): DistributionDefinition =>
    ({ dist: 'x', boot: { withoutInitrd: { NO_INITRD: '1' } }, quirks }) as unknown as DistributionDefinition;

  it('puts there what rpm needs, and has rpm install everything once', async () => {
    await using ctx = fakeContext({});
    const tree = memoryTree();
    await createInstaller().apply({ install: packages, remove: [] }, tree, distribution({ preExtract: ['filesystem'] }), ctx);
    expect(Buffer.from((await tree.read('/usr/bin/rpm'))!).toString()).toBe('rpm');
    for (const path of ['/usr/share/extra', '/usr/share/doc/rpm/README', '/usr/share/locale/de/rpm.mo'] as const) {
      expect(await tree.read(path)).toBeUndefined();
    }
    const [command, ...others] = tree.commands;
    expect(others).toEqual([]);
    expect(await tree.stat('/etc/rpm')).toBeUndefined();
    const shared = ['--define', '_netsharedpath /proc:/sys:/dev'];
    const install = ['--install', '--verbose', '--define', '_pkgverify_level none'];
    expect(command!.argv.slice(0, 9)).toEqual(['rpm', '--nosignature', '--noplugins', ...shared, ...install]);
    expect(command!.argv.slice(9)).toEqual(['extra', 'filesystem', 'rpm'].map((name) => `/run/ict/packages/${name}-1.0-1.noarch.rpm`));
    expect(command!.env).toMatchObject({ NO_INITRD: '1', SOURCE_DATE_EPOCH: String(ctx.epochSeconds), LC_ALL: 'C.UTF-8' });
  });

  it('goes on when a scriptlet fails, and says so under a code of its own', async () => {
    await using ctx = fakeContext({});
    const stderr = 'warning: %post(extra-1.0-1.noarch) scriptlet failed, exit status 7';
    const tree = memoryTree({ run: () => ({ stderr }) });
    await createInstaller().apply({ install: packages, remove: [] }, tree, distribution({ preExtract: ['filesystem'] }), ctx);
    expect(ctx.events.filter(({ type }) => type === 'warning')).toMatchObject([
      { code: 'ICT_RPM_SCRIPTLET_FAILED', message: `rpm says: ${stderr}` },
    ]);
  });

  it('says once of each owner that it does not exist', async () => {
    await using ctx = fakeContext({});
    const lines = ['user game', 'group game', 'user game'].map((owner) => `warning: ${owner} does not exist - using root`);
    const tree = memoryTree({ run: () => ({ stderr: lines.join('\n') }) });
    await createInstaller().apply({ install: packages, remove: [] }, tree, distribution({ preExtract: ['filesystem'] }), ctx);
    expect(ctx.events.filter(({ type }) => type === 'warning')).toMatchObject([
      { code: 'ICT_RPM_OWNER_UNKNOWN', message: expect.stringContaining('user game') as string },
      { code: 'ICT_RPM_OWNER_UNKNOWN', message: expect.stringContaining('group game') as string },
    ]);
  });

  it('leaves documentation and languages out as it is told, has the tree keep to that, and needs no bootstrap twice', async () => {
    await using ctx = fakeContext({});
    const tree = memoryTree();
    await tree.write('/usr/bin/rpm', 'there');
    const [, , extra] = packages as [VerifiedPackage, VerifiedPackage, VerifiedPackage];
    await createInstaller().apply(
      {
        fileChoice: { documentation: false, languages: ['en'] },
        install: [extra],
        remove: [
          { name: 'old', arch: 'noarch' },
          { name: 'kernel', version: '2:6.1-1', arch: 'x86_64' },
        ],
      },
      tree,
      distribution({}),
      ctx,
    );
    expect(tree.commands.map(({ argv }) => argv.slice(5))).toEqual([
      ['--erase', '--allmatches', 'old.noarch', 'kernel-6.1-1.x86_64'],
      [
        ...['--install', '--verbose', '--define', '_pkgverify_level none', '--define', '_excludedocs 1', '--define', '_install_langs en'],
        '/run/ict/packages/extra-1.0-1.noarch.rpm',
      ],
    ]);
    expect(await tree.stat('/etc/rpm/macros.ict')).toMatchObject({ type: 'file', mode: 0o644 });
    expect(Buffer.from((await tree.read('/usr/bin/rpm'))!).toString()).toBe('there');
  });
});
