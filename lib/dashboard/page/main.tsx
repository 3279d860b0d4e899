import { render } from 'preact';
import { App } from './shell/app.js';

const root = document.querySelector('#app');
if (root) render(<App />, root);
