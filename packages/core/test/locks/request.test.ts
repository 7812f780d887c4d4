import { describe, expect, it } from 'vitest';
import fc from 'fast-check';
import type { DistributionDefinition, PackagePin, SystemSpec } from '@ict/plugin-api';
import { packageRequest, providerId } from '../../src/locks/request.js';
import { recordDigest } from '../../src/locks/request-record.js';
import { distribution, repository, sampleFormat, sampleSpec } from '../support/sample-image.js';

const digest = (system: Partial<SystemSpec> = {}, parts: Partial<DistributionDefinition> = {}, format = sampleFormat()) =>
  packageRequest(sampleSpec(system), { ...distribution, ...parts }, format).digest;
const named = (...names: readonly string[]) => names.map((name) => ({ name }));

describe('packageRequest', () => {
  it('gathers seeds with who asked for them', () => {
    const position = { file: '/template.yml', line: 3, column: 5 };
    const grows = { file: '/template.yml', line: 9, column: 3 };
    const format = sampleFormat({
      tools: () => ['convert', 'unknown', 'ext'],
      requires: () => ['loader', { name: 'fdisk', reason: 'growth', position: grows }],
    });
    const request = packageRequest(sampleSpec({ packages: [{ name: 'bash', position }] }), distribution, format);
    expect(request.image).toEqual([
      { request: 'bash', reason: 'template', position },
      { request: 'linux', reason: 'kernel' },
      { request: 'loader', reason: 'bootloader' },
      { request: 'fdisk', reason: 'growth', position: grows },
    ]);
    expect(request.tools.map((seed) => seed.request)).toEqual(['qemu-block-extra', 'qemu-utils', 'e2fsprogs']);
    expect(request.target).toBe('sample-sample1-x86_64');
  });

  it('is the same for any order and repetition of the packages, wherever they are written', () => {
    const name = fc.constantFrom('bash', 'tar', 'curl', 'zstd');
    const shuffled = fc.uniqueArray(name, { minLength: 1 }).chain((names) =>
      fc.tuple(
        fc.constant(names),
        fc
          .array(fc.constantFrom(...names))
          .chain((more) => fc.shuffledSubarray([...names, ...more], { minLength: names.length + more.length })),
      ),
    );
    fc.assert(
      fc.property(shuffled, fc.nat(), ([names, again], line) => {
        const moved = again.map((one) => ({ name: one, position: { file: '/other.yml', line, column: 1 } }));
        expect(digest({ packages: moved })).toBe(digest({ packages: named(...names) }));
      }),
    );
  });

  it.each<[string, Partial<SystemSpec>, Partial<DistributionDefinition>]>([
    ['another package', { packages: named('bash', 'curl') }, {}],
    ['a version of a package', { packages: named('bash=1', 'tar') }, {}],
    ['recommended packages', { recommends: true }, {}],
    ['another kernel package', { kernel: { cmdline: 'quiet', packages: named('linux-cloud') } }, {}],
    ['a kernel version', { kernel: { cmdline: 'quiet', packages: named('linux'), version: '6.12' } }, {}],
    ['one repository less', {}, { repositories: [repository('main')] }],
    ['another order of repositories', {}, { repositories: [...distribution.repositories].reverse() }],
    ['another component', {}, { repositories: distribution.repositories.map((one) => ({ ...one, components: ['main', 'contrib'] })) }],
    ['a priority', {}, { repositories: distribution.repositories.map((one) => ({ ...one, priority: 900 })) }],
    ['another essential set', {}, { essential: { priorities: ['required', 'important'], packages: [] } }],
    ['other packages for a tool', {}, { tools: { packages: { ext: ['e2fsprogs-next'] } } }],
    ['another distribution', {}, {}],
  ])('changes with %s', (what, system, parts) => {
    const other = packageRequest(
      { ...sampleSpec(system), ...(what === 'another distribution' ? { target: { ...sampleSpec().target, dist: 'sample2' } } : {}) },
      { ...distribution, ...parts },
      sampleFormat(),
    );
    expect(other.digest).not.toBe(digest());
  });

  it('has a record that its digest names, in the same way as locks of earlier versions that do not tell it', () => {
    const { record, digest: own, target } = packageRequest(sampleSpec(), distribution, sampleFormat());
    expect(own).toBe(recordDigest(target, record));
    expect(own).toBe('sha256:574b6610aaf5c204d3bb2f16c8062f3186d7a4ae5350286848780f45e4a0f7eb');
    expect(record).toMatchObject({ image: ['bash', 'linux', 'loader', 'tar'], tools: ['e2fsprogs'], recommends: false });
  });

  it('is the same wherever a directory lies that the template names from its own, and knows locks that say where', () => {
    const at = (place: string, recordedAs?: string) => {
      const own = { ...repository('own'), archive: `file://${place}/own`, ...(recordedAs === undefined ? {} : { recordedAs }) };
      return packageRequest(sampleSpec(), { ...distribution, repositories: [own] }, sampleFormat());
    };
    expect(at('/a', './own').digest).toBe(at('/b', './own').digest);
    expect(at('/a', './own').digest).not.toBe(at('/a', './other').digest);
    expect(at('/a', './own').record.repositories[0]?.archive).toBe('./own');
    expect(at('/a', './own').earlierDigest).toBe(at('/a').digest);
    expect(at('/a')).not.toHaveProperty('earlierDigest');
  });

  it('changes with pins, and their order', () => {
    const one = { packages: ['bash'], priority: 700 };
    const other = { packages: ['*'], release: 'backports', priority: 900 };
    const pinned = (...pins: PackagePin[]) => packageRequest({ ...sampleSpec(), pins }, distribution, sampleFormat()).digest;
    expect(new Set([digest(), pinned(one), pinned({ ...one, priority: 701 }), pinned(one, other), pinned(other, one)]).size).toBe(5);
  });

  it('changes with foreign architectures, and their order', () => {
    const foreign = (...foreignArchitectures: string[]) => {
      const spec = sampleSpec();
      return packageRequest({ ...spec, target: { ...spec.target, foreignArchitectures } }, distribution, sampleFormat()).digest;
    };
    expect(new Set([digest(), foreign('i386'), foreign('i386', 'armhf'), foreign('armhf', 'i386')]).size).toBe(4);
  });

  it('changes with what the format needs', () => {
    expect(digest({}, {}, sampleFormat({ requires: () => ['grub'] }))).not.toBe(digest());
    expect(digest({}, {}, sampleFormat({ tools: () => ['ext', 'convert'] }))).not.toBe(digest());
  });

  it.each<[string, Partial<SystemSpec>]>([
    ['the command line of the kernel', { kernel: { cmdline: 'debug', packages: named('linux') } }],
    ['the hostname', { hostname: 'sample' }],
    ['commands', { configurations: [{ command: 'true' }] }],
  ])('does not change with %s, which no package depends on', (_what, system) => {
    expect(digest(system)).toBe(digest());
  });
});

it('providerId joins os, distribution and architecture', () => {
  expect(providerId({ os: 'debian', dist: 'debian13', arch: 'x86_64', imageType: 'raw' })).toBe('debian-debian13-x86_64');
});
