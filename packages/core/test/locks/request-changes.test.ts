import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import type { ImageSpec, PackagePin, RepositorySpec, SourcePosition } from '@ict/plugin-api';
import { formatLock, type Lock } from '../../src/locks/lock.js';
import { packageRequest } from '../../src/locks/request.js';
import { requestChanges } from '../../src/locks/request-changes.js';
import { distribution, sampleFormat, sampleSpec } from '../support/sample-image.js';

const line = (number: number): SourcePosition => ({ file: '/template.yml', line: number, column: 1 });
const pin = (name: string, priority: number): PackagePin => ({ packages: [name], release: 'backports', priority });
const vendor: RepositorySpec = {
  id: 'template-vendor',
  archive: 'http://vendor',
  suite: 'vendor',
  components: ['main'],
  keyrings: [],
  priority: 500,
  allowPackages: ['tool'],
};

interface Asked {
  readonly packages?: readonly string[];
  readonly recommends?: boolean;
  readonly kernelVersion?: string;
  readonly pins?: readonly PackagePin[];
  readonly foreign?: readonly string[];
  readonly repositories?: readonly RepositorySpec[];
  readonly priorities?: readonly string[];
  readonly tools?: readonly string[];
}

/** A template that asks for this: each wish has a line of its own. */
function request({ packages = ['bash', 'tar'], recommends = false, kernelVersion, pins, foreign, tools = ['ext'], ...more }: Asked) {
  const own = more.repositories ?? [vendor];
  const repositories = [...distribution.repositories, ...own];
  const sample = sampleSpec({
    packages: packages.map((name, at) => ({ name, position: line(at + 1) })),
    recommends,
    kernel: { cmdline: '', packages: [], ...(kernelVersion === undefined ? {} : { version: kernelVersion }) },
  });
  const spec: ImageSpec = {
    ...sample,
    target: { ...sample.target, ...(foreign === undefined ? {} : { foreignArchitectures: foreign }) },
    ...(pins === undefined ? {} : { pins }),
    repositories: own.map(({ archive, suite, components }, at) => ({
      ...{ codename: suite, url: archive, components, keys: [], allowPackages: [], excludePackages: [] },
      position: line(50 + 10 * at),
    })),
    positions: new Map([
      ['systemConfig.recommends', line(20)],
      ['systemConfig.kernel.version', line(21)],
      ['target.foreignArchitectures[0]', line(22)],
      ['packagePins', line(30)],
      ['packagePins[0]', line(31)],
      ['packagePins[1]', line(32)],
      ['packageRepositories[0]', line(50)],
      ['packageRepositories[0].priority', line(51)],
      ['packageRepositories[0].allowPackages', line(52)],
      ['packageRepositories[0].url', line(53)],
      ['packageRepositories[1]', line(60)],
      ['packageRepositories[1].component', line(61)],
    ]),
  };
  const essential = { priorities: more.priorities ?? ['required'], packages: [] };
  const format = sampleFormat({ requires: () => [], tools: () => tools });
  return { spec, request: packageRequest(spec, { ...distribution, repositories, essential }, format) };
}

/** What is told of a template of which the lock was made before it was edited, and read from its file. */
function told(before: Asked, now: Asked): readonly string[] {
  const { spec, request: asked } = request(now);
  const { digest, record, target } = request(before).request;
  const lock: Lock = { lockVersion: 1, target, request: digest, asked: record, repositories: [], plugins: {}, packages: [], tools: [] };
  const kept = parse(formatLock(lock)) as Required<Lock>;
  return requestChanges(kept.asked, asked, spec).map(({ message, position }) => `${position?.line ?? '-'} ${message}`);
}

describe('requestChanges', () => {
  it.each<[string, Asked, Asked, readonly string[]]>([
    ['nothing where nothing changed', {}, {}, []],
    ['a new package', {}, { packages: ['bash', 'jq', 'tar'] }, ['2 "jq" is asked for, and was not when the lock was made']],
    ['one that is gone', {}, { packages: ['bash'] }, ['- "tar" is not asked for any more']],
    ['another version', { packages: ['bash=1'] }, { packages: ['bash=2'] }, ['1 "bash=2" is asked for; the lock was made for "bash=1"']],
    ['patterns and groups', {}, { packages: ['bash', 'tar', '@tools'] }, ['3 "@tools" is asked for, and was not when the lock was made']],
    ['recommends', {}, { recommends: true }, ['20 systemConfig.recommends is true; the lock was made with false']],
    ['the kernel', {}, { kernelVersion: '6.12' }, ['21 systemConfig.kernel.version is 6.12; the lock was made with not set']],
    ['architectures', {}, { foreign: ['i386'] }, ['22 target.foreignArchitectures is ["i386"]; the lock was made with not set']],
    [
      'the priority of a pin',
      { pins: [pin('bash', 700), pin('tar', 5)] },
      { pins: [pin('bash', 700), pin('tar', 900)] },
      ['32 packagePins[1] is tar of release backports: priority 900; the lock was made with tar of release backports: priority 5'],
    ],
    [
      'a pin that is gone',
      { pins: [pin('bash', 700), pin('tar', 5), pin('jq', 1)] },
      { pins: [pin('bash', 700), pin('tar', 5)] },
      ['30 packagePins[2] is not set; the lock was made with jq of release backports: priority 1'],
    ],
    [
      'what of a repository decides',
      {},
      { repositories: [{ ...vendor, priority: 900, allowPackages: ['tool', 'library'], excludePackages: ['tar'] }] },
      [
        '51 priority of repository "template-vendor" is 900; the lock was made with 500',
        '52 allowPackages of repository "template-vendor" is ["tool","library"]; the lock was made with ["tool"]',
        '50 excludePackages of repository "template-vendor" is ["tar"]; the lock was made with not set',
      ],
    ],
    [
      'repositories',
      { repositories: [{ ...vendor, id: 'template-old' }] },
      {},
      [
        '50 repository "template-vendor" is asked for, and was not when the lock was made',
        '- repository "template-old" is not asked for any more',
      ],
    ],
    [
      'its address',
      { repositories: [{ ...vendor, archive: 'http://me:secret@elsewhere' }] },
      {},
      ['53 archive of repository "template-vendor" is http://vendor; the lock was made with http://***@elsewhere'],
    ],
    [
      'which of two repositories at one address it is',
      { repositories: [vendor, { ...vendor, id: 'template-vendor-2', components: ['extra'] }] },
      { repositories: [vendor, { ...vendor, id: 'template-vendor-2', components: ['extra', 'more'] }] },
      ['61 components of repository "template-vendor-2" is ["extra","more"]; the lock was made with ["extra"]'],
    ],
    [
      'nothing of the template where it adds to the address of the definition',
      {},
      { repositories: [{ ...vendor, archive: distribution.repositories[0].archive, suite: distribution.repositories[0].suite }] },
      [
        `53 archive of repository "template-vendor" is ${distribution.repositories[0].archive}; the lock was made with http://vendor`,
        `50 suite of repository "template-vendor" is ${distribution.repositories[0].suite}; the lock was made with vendor`,
      ],
    ],
    [
      'their order',
      { repositories: [vendor, { ...vendor, id: 'other' }] },
      { repositories: [{ ...vendor, id: 'other' }, vendor] },
      [
        '- the order of the repositories is main, updates, other, template-vendor; the lock was made with main, updates, template-vendor, other',
      ],
    ],
    [
      'the base set',
      {},
      { priorities: ['important'] },
      [
        '- the base set of the distribution is {"packages":[],"priorities":["important"]}; the lock was made with {"packages":[],"priorities":["required"]}',
      ],
    ],
    [
      'the programs that write the image',
      {},
      { tools: ['convert'] },
      [
        '- writing the image takes "qemu-block-extra" now',
        '- writing the image takes "qemu-utils" now',
        '- writing the image does not take "e2fsprogs" any more',
      ],
    ],
  ])('tells %s', (_what, before, now, expected) => {
    expect(told(before, now)).toEqual(expected);
  });
});
