import { instance } from '@viz-js/viz';

/** Edges up to which a drawing takes the care that Graphviz takes by itself: a few seconds. */
const CAREFUL_EDGES = 800;

/** Fewer rounds of ordering and straight edges: three to five times as quick, and what is that large is searched rather than looked at. */
const HASTY = { nslimit: 1, nslimit1: 1, mclimit: 0.1, splines: 'line' };

/** What is drawn. Plain data: a worker gets it. */
export interface Drawing {
  readonly dot: string;
  readonly edges: number;
}

/** Draws a DOT graph as an SVG document, equal for equal input. It computes without pause, so it belongs in a worker. */
export async function drawSvg({ dot, edges }: Drawing): Promise<string> {
  const viz = await instance();
  return viz.renderString(dot, { format: 'svg', ...(edges > CAREFUL_EDGES ? { graphAttributes: HASTY } : {}) });
}
