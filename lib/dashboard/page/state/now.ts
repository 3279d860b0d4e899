import { createContext } from 'preact';
import { useContext } from 'preact/hooks';

/** Until when is asked: the same for all of the page, until it is asked anew. */
export const Now = createContext(new Date());

export const useNow = (): Date => useContext(Now);
