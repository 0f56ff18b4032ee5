// navigate
