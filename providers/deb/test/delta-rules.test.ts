import { describe, expect, it } from 'vitest';
import {
  ancestors,
  interestedIn,
  isReviewedScript,
  mentions,
  orderBound,
  replaces,
  type PackageFacts,
} from '../src/install/delta-rules.js';

function facts(parts: Partial<Omit<PackageFacts, 'fields' | 'control'>> & { fields?: object; control?: object }): PackageFacts {
  return {
    name: 'demo',
    paths: [],
    special: [],
    ...parts,
    fields: new Map(Object.entries(parts.fields ?? {})),
    control: new Map(Object.entries(parts.control ?? {})),
  };
}

const paths = (...list: string[]) => ({ paths: list });

describe('orderBound', () => {
  it.each<[string, Parameters<typeof facts>[0], RegExp | undefined]>([
    ['nothing', {}, undefined],
    ['a program with its page', paths('/usr', '/usr/bin', '/usr/bin/demo', '/usr/share/man/man1/demo.1.gz'), undefined],
    [
      'a library and the trigger of ldconfig',
      { ...paths('/usr/lib/x86_64-linux-gnu/libdemo.so.1'), control: { triggers: '# x\nactivate-noawait ldconfig\n' } },
      undefined,
    ],
    [
      'what menus show, and settings that one library reads',
      paths(
        '/usr/share/applications/demo.desktop',
        '/usr/share/icons/hicolor/16x16/apps/demo.png',
        '/etc/demorc',
        '/etc/demo.conf',
        '/etc/magic',
      ),
      undefined,
    ],
    ['settings of all programs', paths('/etc/environment'), /environment/],
    ['settings of another package', paths('/etc/other.conf'), /other/],
    ['data and settings of its own', paths('/usr/share/demo/a', '/usr/lib/demo/b/c', '/etc/demo/d', '/usr/include/demo.h'), undefined],
    ['an empty directory of its own', paths('/usr/share/demo'), undefined],
    ['an essential package', { fields: { Essential: 'yes' } }, /essential/],
    ['a protected package', { fields: { Protected: 'yes' } }, /protected/],
    ['questions', { control: { templates: '' } }, /debconf/],
    ['a postinst that makes a user', { control: { postinst: '#!/bin/sh\nadduser --system demo\n' } }, /postinst/],
    ['a postrm that nobody reviewed', { control: { postrm: '#!/bin/sh\nrm -rf /var/lib/demo\n' } }, /postrm/],
    ['a program as script', { control: { preinst: '\u007fELF' } }, /preinst/],
    ['an interest in a trigger', { control: { triggers: 'interest-noawait /usr/share/x\n' } }, /\/usr\/share\/x/],
    ['a trigger that nobody reviewed', { control: { triggers: 'activate update-initramfs\n' } }, /update-initramfs/],
    ['a device', { special: ['/dev/demo'] }, /\/dev\/demo/],
    ['something in /boot', paths('/boot/demo'), /\/boot\/demo/],
    ['a hook of the kernel packages', paths('/etc/kernel/postinst.d/demo'), /kernel/],
    ['users by sysusers', paths('/usr/lib/sysusers.d/demo.conf'), /sysusers/],
    ['a module of PAM', paths('/usr/lib/x86_64-linux-gnu/security/pam_demo.so'), /security/],
    ['a module of the name service', paths('/usr/lib/x86_64-linux-gnu/libnss_demo.so.2'), /libnss/],
    ['data of another package', paths('/usr/share/other/demo'), /\/usr\/share\/other\/demo/],
    ['a directory that begins like its name', paths('/usr/share/demonstration/x'), /demonstration/],
    ['a unit', paths('/usr/lib/systemd/system/demo.service'), /systemd/],
  ])('judges %s', (_what, parts, reason) => {
    const bound = orderBound(facts(parts));
    if (reason === undefined) expect(bound).toBeUndefined();
    else expect(bound).toMatch(reason);
  });
});

describe('isReviewedScript', () => {
  it.each([
    ['', true],
    ['#!/bin/sh\nset -e\n\n# nothing\nexit 0\n', true],
    ['#!/bin/sh\nset -e\ndpkg-maintscript-helper rm_conffile /etc/demo.conf 1.2~ -- "$@"\n', true],
    ['#!/bin/sh\nset -e; touch /x\n', false],
    ['#!/bin/sh\ndpkg-maintscript-helper rm_conffile /etc/x -- "$@"; touch /x\n', false],
    ['#!/bin/sh\ndpkg-maintscript-helper rm_conffile $(touch /x) -- "$@"\n', false],
    ['#!/bin/sh\nldconfig\n', false],
  ])('%j is %s', (text, expected) => {
    expect(isReviewedScript(text)).toBe(expected);
  });
});

describe('what ties others to a change', () => {
  const demo = facts({ paths: ['/usr/bin/demo-run', '/usr/share/demo/data', '/usr/share/doc/demo', '/usr/bin'] });
  it.each([
    ['command -v demo-run', 'demo-run'],
    ['if [ -x /usr/bin/demo-run ]; then', '/usr/bin/demo-run'],
    ['/usr/sbin/demo-run x', '/usr/sbin/demo-run'],
    ['dpkg -s demo', 'demo'],
    ['cat "/usr/share/demo/data"', '/usr/share/demo/data'],
    ['# demo-run is not used', undefined],
    ['demo-running other', undefined],
    ['ls /usr/bin', undefined],
  ])('%s mentions %s', (script, word) => {
    expect(mentions(script, [demo])).toBe(word);
  });

  it.each([
    ['Replaces: none', undefined, []],
    ['several', 'libold (<< 2), other:any,\n third', ['libold', 'other', 'third']],
  ])('reads %s', (_what, value, expected) => {
    expect(replaces(facts({ fields: value === undefined ? {} : { Replaces: value } }))).toEqual(expected);
  });

  it.each([
    [['/usr/share/man/man1/x'], 'man-db'],
    [['/usr/share/manual'], undefined],
    [['/usr/share/man'], 'man-db'],
    [['/usr/lib/udev/hwdb.d/x'], 'udev'],
  ])('the path %s interests %s', (changed, expected) => {
    expect(interestedIn(changed, '/usr/share/man man-db/noawait\n/usr/lib/udev/hwdb.d udev\n')).toBe(expected);
  });

  it.each([
    ['/usr/bin/x', ['/', '/usr', '/usr/bin']],
    ['/x', ['/']],
  ])('above %s lie %j', (path, expected) => {
    expect(ancestors(path)).toEqual(expected);
  });
});
