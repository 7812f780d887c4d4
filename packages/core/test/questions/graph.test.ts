import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dotGraph } from '../../src/questions/dependency-graph.js';
import { reduceGraph } from '../../src/questions/graph-reduction.js';
import { packageGraph, type PackageGraph } from '../../src/questions/package-graph.js';
import { relationsOf, type KnownRelation } from '../../src/questions/package-relations.js';
import { resolvedPackage } from '../support/sample-image.js';

const id = (name: string) => `${name}:amd64`;

/** `a>b` requires, `a~b` recommends. */
function graph(...edges: string[]): PackageGraph {
  const names = new Set(edges.flatMap((edge) => edge.split(/[>~]/)));
  const relations = edges.map((edge): KnownRelation => {
    const [from, to] = edge.split(/[>~]/);
    return { from: id(from), to: id(to), kind: edge.includes('>') ? 'requires' : 'recommends' };
  });
  return packageGraph(
    [...names].map((name) => resolvedPackage(name)),
    relations,
  );
}

const shown = ({ edges }: PackageGraph) => edges.map(({ from, to, kind }) => `${from[0]}${kind === 'requires' ? '>' : '~'}${to[0]}`);

describe('packageGraph', () => {
  it('joins what one package says of another, and keeps the words', () => {
    const packages = [resolvedPackage('b'), resolvedPackage('a')];
    const relation = { from: id('a'), to: id('b') };
    const { edges } = packageGraph(packages, [
      { ...relation, kind: 'recommends', field: 'Recommends', text: 'b' },
      { ...relation, kind: 'requires', field: 'Depends', text: 'b (>= 1)' },
      { ...relation, kind: 'requires', field: 'Depends', text: 'b (>= 1)' },
      { from: id('a'), to: id('gone'), kind: 'requires' },
    ]);
    expect(edges).toEqual([
      {
        ...relation,
        kind: 'requires',
        relations: [
          { field: 'Recommends', text: 'b' },
          { field: 'Depends', text: 'b (>= 1)' },
        ],
      },
    ]);
  });
});

describe('relationsOf', () => {
  it('tells requirements from recommendations by what a lock says', () => {
    const packages = [
      resolvedPackage('a', { requires: [id('b')] }),
      resolvedPackage('b', { requestedBy: [id('a'), 'template'] }),
      resolvedPackage('c', { requestedBy: [id('a')] }),
    ];
    expect(relationsOf(packages)).toEqual([
      { from: id('a'), to: id('b'), kind: 'requires' },
      { from: id('a'), to: id('c'), kind: 'recommends' },
    ]);
  });
});

describe('dotGraph', () => {
  it('is sorted, with versions and kinds of edges', () => {
    expect(dotGraph(graph('b~a', 'a>c')).split('\n')).toEqual([
      'digraph G {',
      '  rankdir=LR;',
      '  node [shape=box];',
      '  "a" [label="a\\n1"];',
      '  "a" -> "c";',
      '  "b" [label="b\\n1"];',
      '  "b" -> "a" [style=dashed];',
      '  "c" [label="c\\n1"];',
      '}',
      '',
    ]);
  });

  it('names packages by id where a name stands for two, and escapes', () => {
    const two = [resolvedPackage('a'), resolvedPackage('a', { id: 'a:i386' }), resolvedPackage('q"', { id: 'q' })];
    const dot = dotGraph(packageGraph(two, []));
    expect(dot).toContain('"a:amd64" [label="a\\n1"]');
    expect(dot).toContain('"a:i386"');
    expect(dot).toContain('"q\\"" [label="q\\"\\n1"]');
  });
});

describe('reduceGraph', () => {
  it.each([
    ['a chain stays', ['a>b', 'b>c'], ['a>b', 'b>c']],
    ['a shortcut goes', ['a>b', 'a>c', 'b>c'], ['a>b', 'b>c']],
    ['a requirement stays when only recommendations lead there', ['a>c', 'a~b', 'b>c'], ['a~b', 'a>c', 'b>c']],
    ['a recommendation goes for any way', ['a~c', 'a~b', 'b>c'], ['a~b', 'b>c']],
    ['a cycle stays connected', ['a>b', 'b>a', 'b>c', 'c>a', 'a>c'], ['a>b', 'b>c', 'c>a']],
  ])('%s', (_what, edges, expected) => {
    const reduced = shown(reduceGraph(graph(...edges)));
    expect(reduced).toEqual(expected);
    expect(reach(reduced)).toEqual(reach(edges));
  });

  /** Every pair that some way connects. */
  function reach(edges: readonly string[]): readonly string[] {
    const pairs = new Set(edges.map((edge) => edge.replace(/[>~]/, ' ')));
    for (let before = -1; before !== pairs.size; ) {
      before = pairs.size;
      for (const one of [...pairs]) {
        for (const other of [...pairs]) if (one[2] === other[0]) pairs.add(`${one[0]} ${other[2]}`);
      }
    }
    return [...pairs].filter(([from, , to]) => from !== to).sort();
  }

  it('connects what was connected, by requirements alone as well, and has no edge to spare', () => {
    const edge = fc
      .tuple(fc.constantFrom(...'abcdef'), fc.constantFrom('>', '~'), fc.constantFrom(...'abcdef'))
      .filter(([from, , to]) => from !== to)
      .map((parts) => parts.join(''));
    const distinct = { maxLength: 14, selector: (text: string) => text.replace(/[>~]/, ' ') };
    const requirements = (edges: readonly string[]) => edges.filter((text) => text.includes('>'));
    fc.assert(
      fc.property(fc.uniqueArray(edge, distinct), (edges) => {
        const reduced = shown(reduceGraph(graph(...edges)));
        expect(reach(reduced)).toEqual(reach(edges));
        expect(reach(requirements(reduced))).toEqual(reach(requirements(edges)));
        for (const one of reduced) {
          const rest = (one.includes('>') ? requirements(reduced) : reduced).filter((other) => other !== one);
          expect(reach(rest)).not.toContain(one.replace(/[>~]/, ' '));
        }
      }),
    );
  });
});
