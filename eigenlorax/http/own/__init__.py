"""Our own interface: styles, blends, pictures, subspaces and jobs, each by the studio's words."""
