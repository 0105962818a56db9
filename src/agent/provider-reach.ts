/** The variables that say how a provider is reached: those by which every program here reaches a server. */

export { REACH } from '../io/process/environment.js';
