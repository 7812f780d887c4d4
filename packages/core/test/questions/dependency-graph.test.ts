import { describe, expect, it } from 'vitest';
import { baseIds } from '../../src/compose/base-set.js';
import { dependencyGraph } from '../../src/questions/dependency-graph.js';
import { resolvedPackage } from '../support/sample-image.js';

const pkg = (name: string, requires: string[], requestedBy: string[] = []) =>
  resolvedPackage(name, { requires: requires.map((other) => `${other}:amd64`), requestedBy });

describe('dependencyGraph', () => {
  it('is sorted and independent of the order given', () => {
    const packages = [pkg('zsh', ['libc6']), pkg('libc6', []), pkg('bash', ['libc6', 'zsh'])];
    const dot = dependencyGraph(packages);
    expect(dot).toBe(dependencyGraph([...packages].reverse()));
    expect(dot.split('\n')).toEqual([
      'digraph G {',
      '  rankdir=LR;',
      '  node [shape=box];',
      '  "bash" [label="bash\\n1"];',
      '  "bash" -> "libc6";',
      '  "bash" -> "zsh";',
      '  "libc6" [label="libc6\\n1"];',
      '  "zsh" [label="zsh\\n1"];',
      '  "zsh" -> "libc6";',
      '}',
      '',
    ]);
  });
});

describe('baseIds', () => {
  it('follows what essential packages require, through cycles, and nothing else', () => {
    const packages = [
      pkg('dpkg', ['tar'], ['essential']),
      pkg('tar', ['libacl']),
      pkg('libacl', ['tar']),
      pkg('nginx', ['dpkg'], ['template']),
    ];
    expect([...baseIds(packages)].sort()).toEqual(['dpkg:amd64', 'libacl:amd64', 'tar:amd64']);
  });
});
