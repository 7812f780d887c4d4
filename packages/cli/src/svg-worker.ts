import { parentPort, workerData } from 'node:worker_threads';
import { drawSvg, type Drawing } from './svg.js';

parentPort?.postMessage(await drawSvg(workerData as Drawing));
