import { describe, expect, it } from 'vitest';
import { drawInThread } from '../dist/svg-thread.js';
import { drawSvg } from '../src/svg.js';

const dot = 'digraph G {\n  rankdir=LR;\n  node [shape=box];\n  "a" [label="a\\n1.0"];\n  "a" -> "b";\n  "a" -> "c" [style=dashed];\n}\n';
const never = new AbortController().signal;

describe('drawSvg', () => {
  it('draws each box and each edge, dashed where the graph says so', async () => {
    const svg = await drawSvg({ dot, edges: 2 });
    const titles = [...svg.matchAll(/<title>(.*)<\/title>/g)].map(([, title]) => title);
    expect(titles.sort()).toEqual(['G', 'a', 'a&#45;&gt;b', 'a&#45;&gt;c', 'b', 'c']);
    expect(svg).toContain('>1.0</text>');
    expect(svg.match(/stroke-dasharray/g)).toHaveLength(1);
    expect(await drawSvg({ dot, edges: 2 })).toBe(svg);
  });

  it('draws large graphs in haste, with all their boxes', async () => {
    const lines = Array.from({ length: 900 }, (_, edge) => `  "p${edge % 90}" -> "p${(edge % 90) + 1 + Math.floor(edge / 90)}";`);
    const svg = await drawSvg({ dot: `digraph G {\n${lines.join('\n')}\n}\n`, edges: lines.length });
    expect(svg.match(/class="node"/g)).toHaveLength(100);
    expect(svg.match(/class="edge"/g)).toHaveLength(900);
  });
});

describe('drawInThread', () => {
  it('draws the same', async () => {
    expect(await drawInThread({ dot, edges: 2 }, never)).toBe(await drawSvg({ dot, edges: 2 }));
  });

  it('fails as the drawing does', async () => {
    await expect(drawInThread({ dot: 'digraph {', edges: 0 }, never)).rejects.toThrow(/syntax error/);
  });

  it('stops on a signal, although the thread never pauses', async () => {
    const stop = new AbortController();
    const endless = new URL('data:text/javascript,for (;;);');
    const drawing = drawInThread({ dot, edges: 2 }, stop.signal, endless);
    stop.abort(new Error('enough'));
    await expect(drawing).rejects.toThrow('enough');
    await expect(drawInThread({ dot, edges: 2 }, stop.signal)).rejects.toThrow('enough');
  });

  it('refuses what is too large before it starts', async () => {
    const none = new URL('data:text/javascript,throw new Error("started")');
    await expect(drawInThread({ dot, edges: 4001 }, never, none)).rejects.toMatchObject({
      code: 'ICT_CLI_GRAPH_TOO_LARGE',
      facts: { edges: 4001, limit: 4000 },
    });
  });
});
