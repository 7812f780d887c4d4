import { describe, expect, it } from 'vitest';
import type { Problem, ResolutionRequest, Resolution } from '@ict/plugin-api';
import { fakeContext } from '@ict/plugin-testkit';
import type { Lock } from '../../src/locks/lock.js';
import { packageRequest } from '../../src/locks/request.js';
import { answerWhyNot } from '../../src/questions/answer-why-not.js';
import { digestOfAll, distribution, resolvedPackage, sampleFormat, sampleProvider, sampleSpec } from '../support/sample-image.js';

const problem: Problem = { code: 'ICT_DEB_UNSATISFIABLE', message: 'no', hint: 'try', because: ['a conflicts with b'] };
const solved = (...names: string[]): Resolution => ({
  kind: 'resolved',
  closure: { packages: names.map((name) => resolvedPackage(name.split('=')[0], { version: name.split('=')[1] ?? '1' })) },
  warnings: [],
});
const unsolvable: Resolution = { kind: 'unsolvable', problems: [problem] };

/** @param answers what the resolver says to the package alone, and to the package with the template's own requests. */
async function ask(wanted: string, ...answers: Resolution[]) {
  await using ctx = fakeContext();
  const asked: ResolutionRequest[] = [];
  const provider = sampleProvider({
    resolver: {
      version: 1,
      resolve: async (request) => {
        asked.push(request);
        return answers[asked.length - 1];
      },
    },
  });
  const spec = sampleSpec();
  const request = packageRequest(spec, distribution, sampleFormat());
  const lock: Lock = {
    lockVersion: 1,
    target: request.target,
    request: digestOfAll('0'),
    repositories: [],
    plugins: {},
    packages: [resolvedPackage('bash'), resolvedPackage('tar')],
    tools: [],
  };
  const settled = { lock, request, warnings: [] };
  const answer = await answerWhyNot(wanted, settled, { spec, distribution, provider: { part: provider } }, async () => ({
    snapshots: [],
    context: ctx,
  }));
  return { answer, asked };
}

describe('answerWhyNot', () => {
  it.each(['bash', 'bash=1', 'bash:amd64', 'bash.amd64', 'bash.amd64=1'])('%s is there; nobody is asked', async (wanted) => {
    const { answer, asked } = await ask(wanted);
    expect(answer).toMatchObject({
      verdict: 'present',
      asked: wanted,
      chosen: { id: 'bash:amd64', version: '1' },
      problems: [],
      brings: [],
    });
    expect(asked).toEqual([]);
  });

  it.each([
    ['mail-agent', 'tar'],
    ['bash:any', 'bash'],
  ])('%s is there when asking for it brings nothing: %s answers', async (wanted, name) => {
    const packages = ['bash', 'tar'].map((each) =>
      resolvedPackage(each, { requestedBy: each === name ? ['why-not', 'template'] : ['template'] }),
    );
    const together: Resolution = { kind: 'resolved', closure: { packages }, warnings: [] };
    const { answer } = await ask(wanted, solved('exim'), together);
    expect(answer).toMatchObject({ verdict: 'present', chosen: { id: `${name}:amd64`, version: '1', repository: 'main' }, brings: [] });
  });

  it('cannot be had, not even alone', async () => {
    const { answer, asked } = await ask('nginx', unsolvable);
    expect(answer).toMatchObject({ verdict: 'unavailable', problems: [problem] });
    expect(asked).toMatchObject([{ essential: false, seeds: [{ request: 'nginx', reason: 'why-not' }] }]);
  });

  it('is excluded by what the template asks for', async () => {
    const { answer, asked } = await ask('nginx', solved('nginx'), unsolvable);
    expect(answer).toMatchObject({ verdict: 'excluded', problems: [{ because: ['a conflicts with b'] }] });
    expect(asked[1].essential).toBe(true);
    expect(asked[1].seeds.map(({ request }) => request)).toEqual(['bash', 'tar', 'linux', 'loader', 'nginx']);
  });

  it('is not needed; tells what it would bring', async () => {
    const { answer } = await ask('nginx', solved('nginx'), solved('bash', 'tar', 'nginx', 'pcre'));
    expect(answer).toMatchObject({ verdict: 'not-needed', brings: [{ id: 'nginx:amd64' }, { id: 'pcre:amd64' }] });
    expect(answer).not.toHaveProperty('chosen');
    expect(answer).not.toHaveProperty('drops');
    expect(answer.brings[0]).not.toHaveProperty('before');
  });

  it('tells which versions would make way, and what would go', async () => {
    const { answer } = await ask('nginx', solved('nginx'), solved('bash=0.9', 'nginx'));
    expect(answer).toMatchObject({
      verdict: 'not-needed',
      brings: [{ id: 'bash:amd64', version: '0.9', before: '1' }, { id: 'nginx:amd64' }],
      drops: [{ id: 'tar:amd64', version: '1' }],
    });
  });

  it('could stand beside the version that is there', async () => {
    const both: Resolution = {
      kind: 'resolved',
      closure: {
        packages: [
          resolvedPackage('bash'),
          { ...resolvedPackage('bash', { version: '0.9' }), id: 'bash:amd64=0.9' },
          resolvedPackage('tar', { requestedBy: ['template'] }),
        ],
      },
      warnings: [],
    };
    const { answer } = await ask('bash=0.9', solved('bash=0.9'), both);
    expect(answer).toMatchObject({ verdict: 'not-needed', chosen: { version: '1' }, brings: [{ id: 'bash:amd64=0.9', version: '0.9' }] });
  });

  it('could stand below a newer version, which then goes by the name alone', async () => {
    const packages = [
      resolvedPackage('bash', { version: '2' }),
      { ...resolvedPackage('bash', { version: '1' }), id: 'bash:amd64=1' },
      resolvedPackage('tar'),
    ];
    const { answer } = await ask('bash=2', solved('bash=2'), { kind: 'resolved', closure: { packages }, warnings: [] });
    expect(answer).toMatchObject({ verdict: 'not-needed', brings: [{ id: 'bash:amd64', version: '2' }] });
    expect(answer.brings).toHaveLength(1);
    expect(answer.brings[0]).not.toHaveProperty('before');
  });

  it.each(['bash=0.9', 'bash:amd64=0.9', 'bash.amd64=0.9'])('another version comes first than %s', async (wanted) => {
    const { answer } = await ask(wanted, solved('bash=0.9'), solved('bash=0.9', 'tar'));
    expect(answer).toMatchObject({ verdict: 'not-preferred', chosen: { version: '1' }, brings: [{ id: 'bash:amd64', version: '0.9' }] });
  });
});
