"""dW = U M V^T: bases shared by all styles, one small core per style and module."""
